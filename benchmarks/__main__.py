"""All benchmarks, one after the other: `python -m benchmarks`."""

from __future__ import annotations

from benchmarks import login, store, sync, tui
from benchmarks.samples import options, report


def main() -> None:
    """Measure and print a table each."""
    chosen = options(__doc__)
    for part in (sync, store, login, tui):
        print("\n".join(report(part.measure(chosen.users, chosen.rounds))), end="\n\n")


if __name__ == "__main__":
    main()
