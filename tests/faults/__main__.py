"""The campaign: `python -m tests.faults`, or some of it, with fewer turns."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence

from tests.faults import calls, power
from tests.faults.controls import CONTROLS
from tests.faults.jobs import JOBS, Backups, Edits, Job, Syncs, cheap_passwords
from tests.faults.kills import Tally, kill_often
from tests.faults.races import race

_WITH_POWER_CUTS = (Syncs, Edits, Backups)


def main() -> int:
    """Run what was asked for, print it as tables and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="in all, divided by the jobs")
    parser.add_argument("--power-cuts", type=int, default=40, help="in all; needs root and ext4")
    parser.add_argument("--race", type=float, default=60, metavar="SECONDS", help="processes race")
    parser.add_argument("--calls", type=int, default=500, help="to the system that fail")
    parser.add_argument("--processes", type=int, default=8, help="in the race, 2 with screens")
    parser.add_argument("--job", choices=[job.name for job in JOBS], help="only this one")
    parser.add_argument("--seed", type=int, help="of the random moments")
    parser.add_argument("--control", choices=CONTROLS, help="take a guard away: must find losses")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}")
    rng = random.Random(seed)
    cheap_passwords()
    if chosen.control:
        CONTROLS[chosen.control]()
    jobs = [job for job in JOBS if chosen.job in (None, job.name)]
    cuttable = [job for job in jobs if job in _WITH_POWER_CUTS]
    failures = 0
    if chosen.race and not chosen.job:
        failures += _race(chosen.processes, chosen.race, rng)
    if chosen.power_cuts and cuttable:
        if reason := power.why_not():
            print(f"POWER CUTS SKIPPED on this machine: {reason}.\n")
        else:
            failures += _often("power cut", power.cut_often, cuttable, chosen.power_cuts, rng)
    if chosen.calls and not chosen.job:
        if reason := calls.why_not():
            print(f"FAILING CALLS SKIPPED on this machine: {reason}.\n")
        else:
            failures += calls.campaign(chosen.calls, seed, chosen.control)
    if chosen.kills:
        failures += _often("SIGKILL", kill_often, jobs, chosen.kills, rng)
    return 1 if failures else 0


def _race(processes: int, seconds: float, rng: random.Random) -> int:
    """Let processes race, print what came of it and return how many failures there were."""
    result = race(processes, min(2, processes), seconds, rng)
    print(
        f"race of {result.processes} processes, {result.screens} of them screens, {seconds:.0f} s"
    )
    print(f"  {result.writes} writes and {result.switches} switches on screens")
    print(f"  {result.conflicts} conflicts, the losers told whose user it was")
    print(f"  {result.busy} writes given up, told that others were writing for too long")
    print(f"  {result.looks} looks by two readers")
    for failure in sorted(set(result.failures)):
        print(f"  {failure}")
    print(f"  {len(result.failures)} failures: lost, torn or not told\n", flush=True)
    return len(result.failures)


def _often(
    fault: str,
    do: Callable[[Job, int, random.Random], Tally],
    jobs: Sequence[type[Job]],
    count: int,
    rng: random.Random,
) -> int:
    """Do the fault `count` times, print the table and return how many failures there were."""
    started = time.monotonic()
    print(f"{f'{fault} during':18}{'times':>6}{'acknowledged':>14}{'cut short':>11}", end="")
    print(f"{'written, not acknowledged':>27}{'lost, half or left':>20}")
    tallies: list[Tally] = []
    for place, job in enumerate(jobs):
        share = count // len(jobs) + (place < count % len(jobs))
        tally = do(job(), share, rng)
        tallies.append(tally)
        print(f"{tally.job:18}{tally.times:6}{tally.acknowledged:14}{tally.cut:11}", end="")
        print(f"{tally.unacknowledged:27}{len(tally.failures):20}", flush=True)
        for failure in sorted(set(tally.failures)):
            print(f"  {tally.failures.count(failure)} x {failure}")
    total = sum(tally.times for tally in tallies)
    print(f"{total} times in {time.monotonic() - started:.0f} s\n", flush=True)
    return sum(len(tally.failures) for tally in tallies)


if __name__ == "__main__":
    sys.exit(main())
