"""A second type of directory service, which no file of the product knows: a file of this host.

It is one file and one line, `TYPES[USER_FILE.name] = USER_FILE`. As a program
(`python -m tests.support.user_file`) this is `mailroster` with that line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from store.errors import InvalidSetting
from store.models import Settings
from sync.directory.listing import DirectoryUser, Listing, Progress
from sync.directory.types import TYPES
from sync.directory.types.directory_type import DirectoryType, SettingField
from sync.errors import DirectoryError

SEPARATORS = {"colon": ":", "semicolon": ";"}


class UserFileUnreadable(DirectoryError):
    """The file cannot be read."""

    kind = "user_file_unreadable"


def _check_path(path: str) -> None:
    if not Path(path).is_absolute():
        raise InvalidSetting("user_file", "must be an absolute path.", "Give the whole path.")


PATH = SettingField("user_file", "File of users", "", placeholder="/path", check=_check_path)
SEPARATOR = SettingField(
    "user_file_separator",
    "Separator",
    "colon",
    choices=tuple((name.capitalize(), name) for name in SEPARATORS),
    section="How the file is written",
)
HEADER = SettingField("user_file_header_lines", "Lines of the header", 0)
IN_CLEAR = SettingField("user_file_in_clear", "Passwords are in clear", False)


class UserFile:
    """Reads lines of a user name, an address and a password."""

    def __init__(self, settings: Settings) -> None:
        self._path = Path(PATH.value(settings))
        self._separator = SEPARATORS[SEPARATOR.value(settings)]
        self._header = HEADER.value(settings)
        self._in_clear = IN_CLEAR.value(settings)

    def _rows(self) -> list[list[str]]:
        try:
            lines = self._path.read_text().splitlines()[self._header :]
        except OSError as error:
            raise UserFileUnreadable(
                f"The file of users {self._path} cannot be read: {error.strerror}.",
                "Check the path, and the owner and mode of that file.",
            ) from None
        return [line.split(self._separator) for line in lines]

    async def list_users(self, progress: Callable[[Progress], None] | None = None) -> Listing:
        rows = self._rows()
        if progress:
            progress(Progress(self._path.stat().st_size, None, len(rows)))
        users = [DirectoryUser(name, None, None, [address]) for name, address, _ in rows]
        return Listing(users, [], [])

    why_refused = ""

    async def check_password(
        self, user_name: str, password: str, stable_id: str | None = None
    ) -> bool:
        written = password if self._in_clear else password[::-1]
        return any((name, stored) == (user_name, written) for name, _, stored in self._rows())


def _insecurity(settings: Settings) -> str:
    in_clear = IN_CLEAR.value(settings)
    return "passwords are in clear in the file. Turn them round." if in_clear else ""


USER_FILE = DirectoryType(
    name="user_file",
    label="File of users",
    fields=(PATH, SettingField("max_users", "Most users"), SEPARATOR, HEADER, IN_CLEAR),
    open=lambda settings, _password: UserFile(settings),
    where=PATH.value,
    insecurity=_insecurity,
)


if __name__ == "__main__":
    TYPES[USER_FILE.name] = USER_FILE

    from tui.cli import main

    main()
