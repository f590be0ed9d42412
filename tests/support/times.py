"""Whether the time that something takes tells what it was, on a machine that has other work too.

The statistic is of ranks: the probability that one kind took longer than another, over all pairs of
their samples. One half means that the time tells nothing. What else the machine does moves samples
of all kinds alike, because the kinds take turns, in another order each round: what ran before
shows too. `BOUND` on either side of one half is about four standard deviations of what chance does
to 40 rounds, and far from what a missing decoy does, which is 1. Chance and a burst of other work
rarely strike one pair twice, so a first verdict is checked once, with fresh samples and the same
bound; a real difference is found both times.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import combinations
from random import Random

BOUND = 0.25
Samples = Mapping[str, Sequence[float]]


async def told_apart(
    kinds: Sequence[str],
    once: Callable[[str], Awaitable[None]],
    rounds: int = 40,
    at_least: float = 0.0,
) -> list[str]:
    """Return the pairs of kinds that their times tell apart, with what was measured.

    `once` does the work of that kind, which takes it `at_least` so many seconds.
    """
    if not (first := differing(await _sample(kinds, once, rounds, at_least))):
        return []
    second = differing(await _sample(kinds, once, rounds, at_least))
    return [
        f"{one} took longer than {other} with a probability of {share:.2f}"
        for (one, other), share in second.items()
        if (one, other) in first
    ]


async def _sample(
    kinds: Sequence[str], once: Callable[[str], Awaitable[None]], rounds: int, at_least: float
) -> Samples:
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        for kind in Random(number).sample(kinds, len(kinds)):
            started = time.perf_counter()
            await once(kind)
            taken[kind].append(time.perf_counter() - started)
            assert taken[kind][-1] >= at_least, kind
    return taken


def differing(taken: Samples) -> dict[tuple[str, str], float]:
    """Return the pairs of which one is longer too often to be chance, and how often it is."""
    shares = {pair: probability(*map(taken.__getitem__, pair)) for pair in combinations(taken, 2)}
    return {pair: share for pair, share in shares.items() if abs(share - 0.5) >= BOUND}


def probability(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return how probable it is that one of `ones` is longer than one of `others`."""
    longer = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    return longer / (len(ones) * len(others))
