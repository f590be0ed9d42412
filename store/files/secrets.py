"""The directory's password: encrypted in the settings, its key in the config directory."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from store.errors import InvalidValue, SecretUnavailable, write_failure
from store.files.durable import LARGEST_TEXT, add_whole, read_regular
from store.files.ownership import (
    command_as,
    make_folders,
    operating_system_user,
    user_name,
)
from store.models import Settings
from store.text import printable

COMMAND_SECONDS = 10.0
_FERNET_KEY = re.compile(rb"[A-Za-z0-9_-]{43}=")  # 32 bytes


class SecretBox:
    """Encrypts, decrypts and signs with the Fernet key in one file of mode 0600.

    Where `maker` (a uid) is set, root works with that user's key, and only that user makes one.
    Hosts that share a store each have a key: where it is `shared`, a token may be another host's.
    """

    def __init__(self, key_path: Path, maker: int | None = None, *, shared: bool = False) -> None:
        self._key_path = key_path
        self._maker = maker
        self._shared = shared

    def encrypt(self, secret: str) -> str:
        """Return the token for `secret`; makes the key on first use.

        Raises `InvalidValue` for what UTF-8 cannot carry, `SecretUnavailable` if there is a key
        but an unusable one, and `StoreUnwritable` if none can be made.
        """
        from cryptography.fernet import Fernet

        try:
            plain = secret.encode()
        except UnicodeEncodeError:
            raise InvalidValue(
                "The password is not UTF-8.",
                "Enter it again, in a terminal that is set to UTF-8.",
            ) from None
        key = self._key() or self._make_key()
        self._check_maker_reads_it()
        return Fernet(key).encrypt(plain).decode("ascii")

    def decrypt(self, token: str, what: str = "The directory's password", advice: str = "") -> str:
        """Return the secret of `token`; raises `SecretUnavailable` if its key is lost.

        `what` and `advice` say in the message which secret it is, and what to do for it.
        """
        from cryptography.fernet import Fernet, InvalidToken

        key = self._key()
        with contextlib.suppress(InvalidToken, TypeError, ValueError):
            if key:
                return Fernet(key).decrypt(token).decode()
        raise SecretUnavailable(
            f"{what} cannot be decrypted: its key {printable(self._key_path)} "
            f"is {'not the one that encrypted it' if key else 'missing'}.",
            f"{advice or (self._from_another_host() if self._shared else self._enter_again())}.",
        )

    def sign(self, data: bytes) -> str:
        """Return what only a holder of the key can say of `data`; makes the key on first use."""
        return _signature(self._key() or self._make_key(), data)

    def is_signed(self, data: bytes, signature: object) -> bool:
        """Tell whether a holder of the key gave `data` this signature; makes no key."""
        import hmac

        key = self._key()
        if key is None or not isinstance(signature, str):
            return False
        return hmac.compare_digest(signature.encode(), _signature(key, data).encode())

    def check(self) -> None:
        """Raise `SecretUnavailable` if there is a key, but an unusable one."""
        self._key()

    def _key(self) -> bytes | None:
        """Return the key, None if there is none; raises `SecretUnavailable` for anything else.

        An empty or cut file must not pass for a key: anybody who guessed it could sign plans.
        """
        try:
            key = read_regular(self._absolute_path(), LARGEST_TEXT).strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretUnavailable(
                f"The key {printable(self._key_path)} cannot be read: {error.strerror}.",
                "Check its owner and mode.",
            ) from None
        if not _FERNET_KEY.fullmatch(key):
            raise SecretUnavailable(
                f"The key {printable(self._key_path)} is empty or damaged.",
                f"Move that file away. {self._enter_again()}; a new key is made with it.",
            )
        return key

    def _check_maker_reads_it(self) -> None:
        """Raise `SecretUnavailable` where root would encrypt with a key that others do not read."""
        if self._maker and os.stat(self._key_path).st_uid != self._maker:
            raise SecretUnavailable(
                f"The key {printable(self._key_path)} does not belong to {self._maker_name}, the "
                "owner of the user database, who could not decrypt the password.",
                f"Do this as that user: `{command_as(self._maker)}`. Or give that file to that "
                "user with chown.",
            )

    @property
    def _maker_name(self) -> str:
        return "" if self._maker is None else user_name(self._maker)

    def _absolute_path(self) -> Path:
        if not self._key_path.is_absolute():
            raise SecretUnavailable(
                "mailroster has no place for the key to the directory's password: the operating "
                f"system's user {self._maker_name or operating_system_user()} has no home, and "
                "HOME is not set.",
                "Set XDG_CONFIG_HOME to a folder that this user can write, or take the password "
                "from a file with password_file.",
            )
        return self._key_path

    def _from_another_host(self) -> str:
        return (
            f"Copy the key to {printable(self._key_path)} (mode 0600) from the host where the "
            "password was entered; or let each host take the password from a file or a command of "
            "its own, with the settings password_file or password_command"
        )

    def _enter_again(self) -> str:
        who = f", as the operating system's user {self._maker_name}" if self._maker else ""
        return (
            "Enter the password again, on the Connection screen or with "
            f"`mailroster settings set password`{who}"
        )

    def _make_key(self) -> bytes:
        from cryptography.fernet import Fernet

        if self._maker:
            raise SecretUnavailable(
                f"The key {printable(self._key_path)} does not exist yet, and root does not make "
                f"it for {self._maker_name}, the owner of the user database.",
                f"Do this as that user: `{command_as(self._maker)}`.",
            )
        try:
            make_folders(self._key_path.parent)
            with contextlib.suppress(FileExistsError):  # the key of who was first stays
                add_whole(self._key_path, Fernet.generate_key())
        except OSError as error:
            raise write_failure(
                error,
                f"The key {printable(self._key_path)} cannot be made: {error.strerror}.",
                "Check the owner, mode and room of its folder, set XDG_CONFIG_HOME to another, or "
                "take the password from a file with password_file.",
                untouched="Nothing was changed.",
            ) from None
        return self._key() or self._make_key()


def _signature(key: bytes, data: bytes) -> str:
    import hmac

    return hmac.new(key, data, "sha256").hexdigest()


def password_in_use(settings: Settings) -> str:
    """Return the token of the stored password, empty where a command or a file gives another."""
    return "" if settings.password_command or settings.password_file else settings.password


def directory_password(
    settings: Settings, box: SecretBox, command_seconds: float = COMMAND_SECONDS
) -> str:
    """Return the password for the directory's service credentials.

    It comes from `password_command` (run without a shell), else from the first line of
    `password_file`, else from the store. A byte order mark is no part of it. Raises
    `SecretUnavailable`, also where that line is empty.
    """
    if settings.password_command:
        return _from_command(settings.password_command, command_seconds)
    if settings.password_file:
        try:
            first_line = _first_line(read_regular(Path(settings.password_file), LARGEST_TEXT))
        except (OSError, ValueError) as error:
            raise SecretUnavailable(
                f"The password file {printable(settings.password_file)} cannot be read: "
                f"{getattr(error, 'strerror', None) or 'it is not UTF-8'}.",
                "Check password_file, and the owner and mode of that file.",
            ) from None
        if not first_line:
            raise SecretUnavailable(
                f"The first line of the password file {printable(settings.password_file)} is "
                "empty.",
                "Put the password there.",
            )
        return first_line
    return box.decrypt(settings.password) if settings.password else ""


def _from_command(command: tuple[str, ...], seconds: float) -> str:
    import subprocess  # slow to import, seldom used

    shown = printable(command[0], 200)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
        first_line = _first_line(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        if isinstance(error, subprocess.CalledProcessError):
            problem = f"ended with exit code {error.returncode}"
        elif isinstance(error, subprocess.TimeoutExpired):
            problem = f"took longer than {seconds:g} seconds"
        elif isinstance(error, UnicodeDecodeError):
            problem = "printed something that is not UTF-8"
        else:
            problem = "could not be run"
        raise SecretUnavailable(
            f"The password command “{shown}” {problem}.",
            "Run it by hand to see why.",
        ) from None
    if not first_line:
        raise SecretUnavailable(
            f"The password command “{shown}” printed no password in its first line.",
            "Run it by hand to see why.",
        )
    return first_line


def _first_line(content: bytes) -> str:
    """Return the first line without its end and without a byte order mark, read as UTF-8."""
    return re.split(r"\r\n|\r|\n", content.decode("utf-8-sig"), maxsplit=1)[0]
