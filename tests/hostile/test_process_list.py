"""While commands run, nobody who lists processes sees a password."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.command_line import CommandLine
from tests.support.directory import Directory

SERVICE = "the-password-of-the-service"
LOCAL = "the local password of anna"
REMOTE = "the-password-of-dora"
SECRETS = (SERVICE, LOCAL, REMOTE)


class Watch:
    """`seen` are the secrets, `processes` the command lines, that were there to be read."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.processes: set[bytes] = set()

    def look(self) -> None:
        """Read what `ps axe` reads, once."""
        for name in ("cmdline", "environ"):
            for file in Path("/proc").glob(f"[0-9]*/{name}"):
                try:
                    shown = file.read_bytes()
                except OSError:  # it has ended
                    continue
                if name == "cmdline":
                    self.processes.add(shown)
                self.seen |= {secret for secret in SECRETS if secret.encode() in shown}


@contextmanager
def watching() -> Iterator[Watch]:
    """Look at all processes again and again."""
    watch, done = Watch(), threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            watch.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()


def test_commands_show_none(tmp_path: Path, directory: Directory) -> None:
    mailroster = CommandLine(tmp_path, warm=False)
    directory.put(dora=REMOTE)
    source = tmp_path / "password-of-the-service"
    source.write_text(SERVICE + "\n")
    with watching() as watch:
        mailroster.set_up(directory.url, "requires_authentication=true", "user_name=sync")
        assert mailroster("settings", "set", "password", stdin=SERVICE).code == 0
        assert mailroster("sync", "--yes").code == 0
        assert mailroster("users", "add", "anna", stdin=LOCAL).code == 0
        assert mailroster.log_on("anna", LOCAL) == 0
        assert mailroster.log_on("dora", REMOTE) == 0
        mailroster("settings", "set", f"password_command=cat {source}")
        assert mailroster("test").code == 0
        source.unlink()
    assert watch.seen == set()
    words = b"\0".join(watch.processes)
    assert b"sync\0--yes" in words
    assert b"login\0dora" in words


def test_the_control_an_argument_and_a_variable_are_seen() -> None:
    wait = [sys.executable, "-c", "input()"]
    for words, environment in (([*wait, LOCAL], {}), (wait, {"PASSWORD": LOCAL})):
        process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE)
        with watching() as watch:
            while not watch.seen:
                pass
        process.communicate(b"\n")
        assert watch.seen == {LOCAL}
