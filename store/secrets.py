"""The directory's password: encrypted in the settings, its key in the config directory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from store.durable import sync_folder
from store.errors import InvalidValue, SecretUnavailable, write_failure
from store.models import Settings
from store.text import printable

_COMMAND_SECONDS = 10


class SecretBox:
    """Encrypts and decrypts with the Fernet key in one file of mode 0600."""

    def __init__(self, key_path: Path) -> None:
        self._key_path = key_path

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
                "The password is not UTF-8. Nothing was written. Enter it again, in a terminal "
                "that is set to UTF-8."
            ) from None
        try:
            return Fernet(self._key() or self._make_key()).encrypt(plain).decode("ascii")
        except ValueError:
            raise SecretUnavailable(
                f"The key {printable(self._key_path)} is damaged. Nothing was changed. Move that "
                "file away, then enter the password again; a new key is made with it."
            ) from None

    def decrypt(self, token: str) -> str:
        """Return the secret of `token`; raises `SecretUnavailable` if its key is lost."""
        from cryptography.fernet import Fernet, InvalidToken

        try:
            return Fernet(self._key() or b"").decrypt(token).decode()
        except (InvalidToken, TypeError, ValueError):
            raise SecretUnavailable(
                "The directory's password cannot be decrypted: its key "
                f"{printable(self._key_path)} is missing or another one. Nothing was changed. "
                "Enter the password again, on the Connection screen or with "
                "`mailroster settings set password`."
            ) from None

    def sign(self, data: bytes) -> str:
        """Return what only a holder of the key can say of `data`; makes the key on first use."""
        import hmac

        return hmac.new(self._key() or self._make_key(), data, "sha256").hexdigest()

    def _key(self) -> bytes | None:
        try:
            return self._key_path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretUnavailable(
                f"The key {printable(self._key_path)} cannot be read: {error.strerror}. "
                "Nothing was changed. Check its owner and mode."
            ) from None

    def _make_key(self) -> bytes:
        import tempfile  # slow to import, seldom used

        from cryptography.fernet import Fernet

        folder, name = self._key_path.parent, self._key_path.name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(".tmp", f".{name}.", folder)  # mode 0600
            try:
                with open(descriptor, "wb") as file:
                    file.write(Fernet.generate_key())
                    file.flush()
                    os.fsync(descriptor)
                # A link, not a rename: if another process was first, its key stays.
                with contextlib.suppress(FileExistsError):
                    os.link(temporary, self._key_path)
            finally:
                os.unlink(temporary)
            sync_folder(folder)
        except OSError as error:
            raise write_failure(error)(
                f"The key {printable(self._key_path)} cannot be made: {error.strerror}. "
                "Nothing was changed. Check the owner, mode and room of its folder."
            ) from None
        return self._key_path.read_bytes()


def directory_password(settings: Settings, box: SecretBox) -> str:
    """Return the password for the directory's service credentials.

    It comes from `password_command` (run without a shell), else from the first line of
    `password_file`, else from the store. Raises `SecretUnavailable`.
    """
    if settings.password_command:
        return _from_command(settings.password_command)
    if settings.password_file:
        try:
            return Path(settings.password_file).read_text("utf-8").split("\n", 1)[0]
        except (OSError, ValueError) as error:
            raise SecretUnavailable(
                f"The password file {printable(settings.password_file)} cannot be read: "
                f"{getattr(error, 'strerror', None) or 'it is not UTF-8'}. Nothing was changed. "
                "Check password_file, and the owner and mode of that file."
            ) from None
    return box.decrypt(settings.password) if settings.password else ""


def _from_command(command: tuple[str, ...]) -> str:
    import subprocess  # slow to import, seldom used

    shown = printable(command[0], 200)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_COMMAND_SECONDS,
            check=True,
            encoding="utf-8",
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        if isinstance(error, subprocess.CalledProcessError):
            problem = f"ended with exit code {error.returncode}"
        elif isinstance(error, subprocess.TimeoutExpired):
            problem = f"took longer than {_COMMAND_SECONDS} seconds"
        else:
            problem = "could not be run, or its output is not UTF-8"
        raise SecretUnavailable(
            f"The password command “{shown}” {problem}. Nothing was changed. "
            "Run it by hand to see why."
        ) from None
    return done.stdout.split("\n", 1)[0]
