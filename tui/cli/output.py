"""Output that its stream cannot take: characters without a place in the encoding, a full disk."""

from __future__ import annotations

import io
import os
import sys
from traceback import walk_tb

import click

from store.errors import Problem


class OutputFailed(Problem):
    """A command cannot write its output to stdout or stderr."""

    kind = "output"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"The output cannot be written: {error.strerror}.",
            "Make room on the disk that stdout and stderr go to, or send them elsewhere.",
        )


def escape_unencodable() -> None:
    r"""Have stdout write what its encoding lacks as `\u201c` and the like, as stderr does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def is_of_output(error: OSError) -> bool:
    """Tell whether `error` came from writing to stdout or stderr."""
    return any(frame.f_code is click.echo.__code__ for frame, _ in walk_tb(error.__traceback__))


def give_up_output() -> None:
    """Have the streams that cannot be written lead nowhere: Python flushes them when it ends."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
