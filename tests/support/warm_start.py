"""Commands as processes of their own, forked from one that has imported mailroster already.

Most of a short command's time goes into imports, and of a log-on's into bcrypt at its real cost.
`run` is for tests of what a command does; what Python does at its start is none of theirs.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

FAST = 5  # bcrypt's lowest cost but one

_SECONDS = 60
_IMPORTED_LATE = (
    "store.validation",
    "sync.directory.client",
    "sync.planning.planner",
    "sync.runs.preview",
    "sync.runs.apply",
    "sync.status.status",
)


def run(words: Sequence[str], stdin: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run `mailroster` with these words, and return its exit code, stdout and stderr."""
    ours, theirs = socket.socketpair()
    with ours, theirs, TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        files = [given.fileno(), out.fileno(), err.fileno(), theirs.fileno()]
        with _ONE_AT_A_TIME:
            socket.send_fds(_server(), [b"+"], files)
        theirs.close()
        answers = ours.makefile("rw", encoding="utf-8")
        json.dump([list(words), dict(environment), str(Path.cwd())], answers)
        print(file=answers, flush=True)
        ours.settimeout(_SECONDS)
        process = int(answers.readline())
        try:
            code = int(answers.readline())
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(words), _SECONDS) from None
        return code, _text(out), _text(err)


_ONE_AT_A_TIME = threading.Lock()


def _text(file: Any) -> str:
    file.seek(0)
    text: str = file.read().decode()
    return text


@cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", __name__, str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # ends it, so it comes before the wait
    return ours


def _serve(control: socket.socket) -> None:
    """Start a command for each request, until the tests have ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so nobody has to wait for `_start`
    while True:
        asked, files, _, _ = socket.recv_fds(control, 1, 4)
        if not asked:
            return
        if os.fork() == 0:
            control.close()
            _start(*files)
            return
        for file in files:
            os.close(file)


def _start(given: int, out: int, err: int, tests: int) -> None:
    """Run one command in a process of its own and tell the tests how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=tests) as connection:
        answers = connection.makefile("rw", encoding="utf-8")
        words, environment, folder = json.loads(answers.readline())
        process = os.fork()
        if process:
            print(process, file=answers, flush=True)
            _, status = os.waitpid(process, 0)
            print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
            os._exit(0)
    for number, file in enumerate((given, out, err)):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    sys.stderr.reconfigure(errors="backslashreplace", line_buffering=True)
    sys.argv = ["mailroster", *words]
    try:
        import_module("tui.cli").main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    else:
        code = 0
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _stream(number: int, mode: str) -> TextIOWrapper:
    binary = open(number, mode + "b", closefd=False)  # noqa: SIM115 - until the end
    return TextIOWrapper(binary, encoding="utf-8")


if __name__ == "__main__":
    passwords: Any = import_module("store.passwords")
    passwords.COST = FAST  # before others read it
    commands = import_module("tui.cli").cli
    for name in commands.list_commands(None):
        commands.get_command(None, name)
    for name in _IMPORTED_LATE:
        import_module(name)
    _serve(socket.socket(fileno=int(sys.argv[1])))
