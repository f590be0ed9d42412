"""Gives what reads hostile input whatever a coverage-guided fuzzer comes up with.

    python -m benchmarks.fuzz answer --minutes 10
    python -m benchmarks.fuzz checkpassword --minutes 10

`answer` is the parser of the directory's answers, `checkpassword` the log-on with what a mail
server puts on descriptor 3. What must hold is written down in `tests.support.promises`, and is
tried with fewer inputs in every test run. The fuzzer is atheris (`pip install atheris`), which
mailroster does not depend on. It starts from the files in tests/hostile/inputs. An input that
breaks a promise is written to the current folder as `crash-...`: put it there under a name that
says what it is, and the tests try it for ever.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

INPUTS = Path(__file__).parents[1] / "tests" / "hostile" / "inputs"
PIECE_BYTES = 48  # so small that an input has several
LARGEST = {"answer": 4096, "checkpassword": 600}  # bytes
SECONDS_FOR_ONE = 10
MEMORY_MIB = 1024


def main() -> None:
    """Fuzz for so many minutes; ends with exit code 0 if nothing was found."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("target", choices=LARGEST)
    options.add_argument("--minutes", type=float, default=10)
    chosen = options.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed. Install it into this environment: pip install atheris")
    with atheris.instrument_imports(include=["store", "sync"]):
        from tests.support import promises
    with tempfile.TemporaryDirectory() as folder:
        home, found = Path(folder, "home"), Path(folder, "found")
        home.mkdir()
        found.mkdir()
        check: Callable[[bytes], None] = partial(
            promises.answer_is_read_or_refused, piece_bytes=PIECE_BYTES
        )
        if chosen.target == "checkpassword":
            _make_hashes_cheap()
            check = promises.LogOnAtTheMailServer(home).is_answered
        words = INPUTS / f"{chosen.target}.dict"
        atheris.Setup(
            [
                sys.argv[0],
                *([f"-dict={words}"] if words.exists() else []),
                f"-max_total_time={chosen.minutes * 60:.0f}",
                f"-max_len={LARGEST[chosen.target]}",
                f"-timeout={SECONDS_FOR_ONE}",
                f"-rss_limit_mb={MEMORY_MIB}",
                "-print_final_stats=1",
                str(found),
                str(INPUTS / chosen.target),
            ],
            check,
        )
        atheris.Fuzz()


def _make_hashes_cheap() -> None:
    """Have bcrypt at its lowest cost, also for unknown users: it is not what is looked at."""
    from store import passwords

    passwords.COST = 4


if __name__ == "__main__":
    main()
