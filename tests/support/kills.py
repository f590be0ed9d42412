"""A process that does one thing over and over, killed somewhere in the middle of it."""

from __future__ import annotations

import subprocess
import sys
import time


def kill_in_the_middle(program: str, *arguments: str, after: float) -> list[str]:
    """Run Python that prints a word for each thing done, and SIGKILL it.

    The kill comes `after` seconds from the first word. Returns all words.
    """
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        first = process.stdout.readline()
        time.sleep(after)
        process.kill()
        return [*first.split(), *process.stdout.read().split()]
