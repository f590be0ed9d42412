"""The demo: a throwaway store and a directory of an invented company, both gone at the end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib.resources import files
from itertools import chain, repeat
from pathlib import Path
from typing import Self

from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, INTEGRATED, User
from store.names import match_key
from store.privileges import ADMIN, HAND_MADE_PRIVILEGES
from sync.configure import configure
from sync.directory.listing import DirectoryUser, Listing
from sync.directory.types.application_integration import APPLICATION_INTEGRATION
from sync.runs.by_hand import add_administrator
from sync.server.directory_file import hash_directory_password, read_file
from sync.server.directory_server import DirectoryServer
from sync.workspace import Workspace, open_workspace

_SERVICE = ("mailroster", "service of the demo")
_CHEAP = 4  # bcrypt's lowest cost, for passwords that are public anyway

# How the archive differs from the directory's first state, so that there is something to see.
_NOT_YET_SYNCHRONISED = ("sean.obrien", "yusuf.demir")
_LOCAL = "stefan.jung"
_DIRECTORY_ADMINISTRATOR = "florian.gruber"
_EDITED_BY_HAND = ("klaus-peter.zimmermann", "K.-P. Zimmermann")
_WITHOUT_MAIL = "petra.sommer"

_STATES = (
    (
        "before.csv",
        "The directory serves its first state again, with the names and people from before.",
    ),
    (
        "after.csv",
        "The directory serves its second state: colleagues came, left, moved and married, and "
        "some of the new records are wrong.",
    ),
)


class Demo:
    """A workspace whose directory has two states; use it in a `with` statement.

    `administrator` logs on with `password`; `directory_user` and every other user of the
    directory with `directory_password`.
    """

    administrator = "admin"
    password = "only for this demo"  # noqa: S105 - public on purpose
    directory_user = "anna.mueller"
    directory_password = "directory demo"  # noqa: S105 - public on purpose

    def __init__(self) -> None:
        with ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="mailroster-")))
            self._file = folder / "directory.csv"
            self._hash = hash_directory_password(self.directory_password, _CHEAP)
            self._state = 0
            self._serve_state()
            self.workspace: Workspace = open_workspace(
                str(folder / "users.json"), folder / "secret.key"
            )
            undo.callback(self.workspace.close)
            server = DirectoryServer(self._file, credentials=_SERVICE, log=lambda _line: None)
            undo.enter_context(server)
            self._fill(server.url)
            self._undo = undo.pop_all()

    @classmethod
    def open(cls) -> Self:
        """Make the workspace and start its directory; both go with `close` or the `with` block."""
        return cls()

    def close(self) -> None:
        """Stop the directory and remove the store, its archive and its key."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def switch_directory(self) -> str:
        """Let the directory serve its other state; return a sentence that describes it."""
        self._state = 1 - self._state
        return self._serve_state()

    def _serve_state(self) -> str:
        name, description = _STATES[self._state]
        lines = files(__package__).joinpath("demo_data", name).read_text("utf-8").splitlines()
        hashes = chain(["passwordHash"], repeat(self._hash))
        text = "".join(f"{line},{cell}\n" for line, cell in zip(lines, hashes, strict=False))
        fresh = self._file.with_suffix(".new")
        fresh.write_text(text, "utf-8")
        os.replace(fresh, self._file)
        return description

    def _fill(self, url: str) -> None:
        user_name, password = _SERVICE
        changes = {
            "directory_service": APPLICATION_INTEGRATION.name,
            "url": url,
            "requires_authentication": True,
            "user_name": user_name,
            "auto_delete": True,
            "guard_max_delete_percent": 25,  # so few users, switched to and fro within a day
        }
        settings = configure(self.workspace, changes, password=password)
        administrator = add_administrator(self.workspace, self.administrator, self.password)
        records = [user.record for user in read_file(self._file).users]
        listed = Listing.unread(records).users
        users = list(_users(listed, administrator.password_hash))
        self.workspace.store.apply(Batch([Edit.create(user) for user in users]))
        archives = self.workspace.archives(settings)
        for user in users:
            archives.create(user.user_name)
            if user.user_name != _WITHOUT_MAIL:
                mail = archives.path(user.user_name) / "cur" / "1767225600.demo:2,S"
                mail.write_text("Subject: Welcome to the archive\n\nHello!\n")


def _users(listed: list[DirectoryUser], local_hash: str | None) -> Iterator[User]:
    for record in listed:
        if record.user_name in _NOT_YET_SYNCHRONISED:
            continue
        user = User(
            user_name=record.user_name,
            full_name=record.full_name,
            distinguished_name=record.distinguished_name,
            email_addresses=record.email_addresses,
            authentication=DIRECTORY_SERVICES,
            privileges=["login"],
            folder_privileges={match_key(record.user_name): ["read"]},
        )
        if user.user_name == _EDITED_BY_HAND[0]:
            user = replace(user, full_name=_EDITED_BY_HAND[1])
        elif user.user_name == _DIRECTORY_ADMINISTRATOR:
            user = replace(user, privileges=[ADMIN])
        elif user.user_name == _LOCAL:
            user = replace(
                user,
                authentication=INTEGRATED,
                privileges=list(HAND_MADE_PRIVILEGES),
                password_hash=local_hash,
            )
        yield user
