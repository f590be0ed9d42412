"""All benchmarks, one after the other: `python -m benchmarks`."""

from __future__ import annotations

from benchmarks import login, status, store, sync, tui, upkeep, whole
from benchmarks.samples import options, report


def main() -> None:
    """Measure and print a table each."""
    chosen = options(__doc__)
    for part in (sync, whole, store, upkeep, login, status, tui):
        print("\n".join(report(part.measure(chosen.users, chosen.rounds))), end="\n\n")


if __name__ == "__main__":
    main()
