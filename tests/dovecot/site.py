"""A mail archive with Dovecot in front, as `mailroster dovecot-config` sets it up."""

from __future__ import annotations

import imaplib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import bcrypt

from store.interface import Batch, Edit
from store.models import Settings, User
from sync.logon.dovecot import VERSIONS, Version
from sync.runs.folders import take_archive
from sync.workspace import open_workspace
from tests.support.ports import free_port

# At the lowest cost, which stays: a password too short for the policy is not hashed anew.
PASSWORD = "kurz & gut"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
MAIL_OWNER = (107, 109)  # user and group, as `adduser --system` numbers them: below 500
_START_SECONDS = 15.0
# Another system's folder with the Dovecot to try, see docs/DOVECOT.md. It sees our temporary files.
_ROOT = os.environ.get("DOVECOT_ROOT")
_IN_ROOT = 'mount --bind "$1" "$2$1" && root=$2 && shift 2 && exec chroot "$root" "$@"'

_OVERRIDES = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


def dovecot(*arguments: str) -> list[str]:
    """The command that runs Dovecot: the installed one, or that below `DOVECOT_ROOT`."""
    command = ["dovecot", *arguments]
    if not _ROOT:
        return command
    shared = ["sh", "-c", _IN_ROOT, "sh", tempfile.gettempdir(), _ROOT]
    return ["unshare", "--mount", *shared, *command]


def version() -> Version:
    """Which of the supported versions that is."""
    told = subprocess.run(dovecot("--version"), capture_output=True, text=True, check=True).stdout
    (found,) = [known for known in VERSIONS if told.startswith(f"{known}.")]
    return found


class Imap(imaplib.IMAP4):
    """A connection that logs on as people's mail programs do, with names in UTF-8."""

    def log_on(self, user_name: str, password: str = PASSWORD) -> Self:
        self.authenticate("PLAIN", lambda _: f"\0{user_name}\0{password}".encode())
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.logout()
        except (OSError, imaplib.IMAP4.error):
            self.shutdown()

    def folders(self) -> list[str]:
        """The mailboxes that the user sees and may open."""
        _, lines = self.list('""', "*")
        found = []
        for line in lines:
            match = re.fullmatch(rb'\((.*?)\) "/" "?(.*?)"?', line or b"")
            if match and b"\\NonExistent" not in match[1] and b"\\Noselect" not in match[1]:
                found.append(match[2].decode())
        return sorted(name for name in found if name != "INBOX")

    def enter(self, name: str) -> str:
        """Select a mailbox, also one that is read-only, which imaplib does not."""
        status = self.tell("SELECT", f'"{name}"')
        if status == "OK":
            self.state, self.is_readonly = "SELECTED", True
        return status

    def tell(self, command: str, *arguments: str) -> str:
        """Send a command past imaplib's own ideas; the server's OK or NO."""
        return self._simple_command(command, *arguments)[0]

    def status_of(self, name: str, *arguments: str) -> str:
        """The server's OK or NO to a command."""
        return getattr(self, name)(*arguments)[0]  # type: ignore[no-any-return]


class Site:
    """Store, archive, homes and a running Dovecot, which asks by `method`."""

    def __init__(self, method: str) -> None:
        self.method = method
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="mr-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.store = self.folder / "store" / "users.json"
        self.attempts = self.store.with_name("users.json.attempts")
        self.archive = self.folder / "archive"
        self.homes = self.folder / "homes"
        self.log = self.folder / "dovecot.log"
        self._environment = {**os.environ, "XDG_CONFIG_HOME": str(self.folder / "config")}
        self.port, self.login_port = free_port(), free_port()
        self.archive.mkdir(mode=0o700)
        os.chown(self.archive, *MAIL_OWNER)
        self.workspace = open_workspace(str(self.store), self.folder / "secret.key")
        self._stack.callback(self.workspace.close)
        self.fill(settings=Settings(archive_root=str(self.archive)))
        take_archive(self.workspace)

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.push(self._stack)
            if self.method == "lua":
                self.start_login_server()
                self._stack.callback(self.stop_login_server)
            self._start_dovecot()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tui.cli", "--store", str(self.store), *arguments]

    def mailroster(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_login_server(self) -> None:
        with (self.folder / "login-server.log").open("ab") as log:
            self._login_server = subprocess.Popen(
                self.command(
                    "login-server", "--port", str(self.login_port), "--homes", str(self.homes)
                ),
                stderr=log,
                env=self._environment,
            )
        _wait_for_port(self.login_port, self._login_server)

    def stop_login_server(self) -> None:
        self._login_server.send_signal(signal.SIGTERM)
        assert self._login_server.wait(20) == 0

    def _start_dovecot(self) -> None:
        lua = self.folder / "mailroster.lua"
        shared = ["--version", version(), "--port", str(self.login_port)]
        shared += ["--homes", str(self.homes)]
        lua.write_text(self.mailroster("dovecot-config", "--lua", *shared))
        printed = self.mailroster(
            "dovecot-config", "--method", self.method, "--lua-file", str(lua), *shared
        )
        config = self.folder / "dovecot.conf"
        config.write_text(printed + _OVERRIDES.format(folder=self.folder, imap=self.port))
        process = subprocess.Popen(dovecot("-F", "-c", str(config)), stdin=subprocess.DEVNULL)
        self._stack.callback(_stop, process)
        _wait_for_port(self.port, process)

    def fill(self, *users: User, settings: Settings | None = None) -> None:
        """Add users, in place of those of the same name, with their archive folders."""
        known = self.workspace.snapshot()
        edits: list[Edit] = []
        for user in users:
            before = known.find(user.user_name)
            edits.append(Edit.update(before, user) if before else Edit.create(user))
        after = self.workspace.store.apply(Batch(edits, settings=settings))
        for user in users:
            self.workspace.archives(after.settings).create(user.user_name)

    def set(self, user_name: str, **fields: Any) -> None:
        """Change a user in the store."""
        user = self.workspace.snapshot().find(user_name)
        assert user
        self.workspace.store.apply(Batch([Edit.update(user, replace(user, **fields))]))

    def mail(self, owner: str) -> list[Path]:
        """The messages in somebody's archive."""
        folder = self.workspace.archives(self.workspace.snapshot().settings).path(owner)
        return [path for part in ("new", "cur") for path in (folder / part).iterdir()]

    def deliver(self, owner: str, subject: str = "hello") -> None:
        """Put a message into somebody's archive."""
        folder = self.workspace.archives(self.workspace.snapshot().settings).path(owner)
        name = f"{time.time_ns()}.test"
        message = folder / "tmp" / name
        message.write_text(f"Subject: {subject}\r\n\r\nbody\r\n")
        os.chown(message, *MAIL_OWNER)
        message.rename(folder / "new" / name)

    def home_names(self) -> set[str]:
        """Who has a home, which is made at the first log-on."""
        return {path.name for path in self.homes.iterdir()} if self.homes.exists() else set()

    def connect(self) -> Imap:
        return Imap("127.0.0.1", self.port, timeout=60)

    def log_on(self, user_name: str, password: str = PASSWORD) -> Imap:
        connection = self.connect()
        try:
            return connection.log_on(user_name, password)
        except BaseException:
            connection.shutdown()
            raise

    def refusal(self, user_name: str, password: str = PASSWORD) -> str:
        """What a log-on that fails is told."""
        try:
            connection = self.log_on(user_name, password)
        except imaplib.IMAP4.error as error:
            return str(error)
        connection.shutdown()
        raise AssertionError(f"{user_name} was let in")


def local(user_name: str, **fields: Any) -> User:
    """A local user with `PASSWORD` and the usual rights on the own archive."""
    fields.setdefault("privileges", ["login"])
    fields.setdefault("password_hash", HASH)
    user = User(user_name=user_name, **fields)
    return replace(user, folder_privileges=user.folder_privileges or {user.key: ["read", "write"]})


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, f"ended with {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(20)
