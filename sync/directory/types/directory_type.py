"""What a type of directory service is: a value that says all that is particular about it.

A new one is a module with such a value, and a line in `sync/directory/types/__init__.py`. It is
read before the first frame and by every log-on, so what is slow to import is imported in `open`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from store.models import Settings, SettingValue
from sync.errors import CertificateRefused

if TYPE_CHECKING:
    from sync.directory.certificate import Certificate
    from sync.directory.conformance.findings import Finding
    from sync.directory.listing import Listing, Progress

LogOn = tuple[str, str]  # a user name and its password
_NO_CERTIFICATE = "A directory service of this type shows no certificate."


class Directory(Protocol):
    """What the client of any type of directory service does; it only ever reads.

    Both methods raise a `DirectoryError` for everything that is not an answer. `why_refused` says
    what the directory told the administrator of the last refusal, empty if it told nothing.
    """

    why_refused: str

    async def list_users(self, progress: Callable[[Progress], None] | None = None) -> Listing:
        """Return all that the directory lists; `progress` is called as the answer arrives."""

    async def check_password(
        self, user_name: str, password: str, stable_id: str | None = None
    ) -> bool:
        """Return whether the directory accepts the password.

        `stable_id` is the id that this directory gave the user, for those that can find by it.
        """


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting of a directory type, as the form, the command line and validation know it.

    Without a `default` it is one that `Settings` has; with one it is added by this type, and what
    the default is (a text, a number, true or false) its values are. `section` heads the part of
    the form that begins here. `choices` are labels and values. `turns_on` is the setting that is
    on as soon as this one is entered. `check` raises `InvalidValue`.
    """

    key: str
    label: str
    default: SettingValue | None = None
    placeholder: str = ""
    section: str = ""
    kind: Literal["value", "secret", "certificate"] = "value"
    choices: tuple[tuple[str, str], ...] = ()
    turns_on: str = ""
    check: Callable[[Any], None] = lambda _: None

    def value(self, settings: Settings) -> Any:
        """Return what the setting is, the default for a value that is of another type."""
        if self.default is None:
            return getattr(settings, self.key)
        return (
            settings.more.get(self.key, self.default) if self.is_sound(settings) else self.default
        )

    def is_sound(self, settings: Settings) -> bool:
        """Tell whether the stored value is of the default's type; the file may say anything."""
        added = settings.more.get(self.key, self.default)
        return self.default is None or type(added) is type(self.default)


async def _no_certificate(_: Settings) -> Certificate:
    raise CertificateRefused(_NO_CERTIFICATE, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryType:
    """A type of directory service.

    `fields` are in the order of the form. `open` returns the client for settings and the service's
    own password in clear, and sends nothing yet. `where` names what is asked, for messages; while
    it is empty, nothing is set up. `identity` tells one directory from another, whose ids mean
    other people; without it `where` does. `check` raises `InvalidValue` for values that do not go
    together. `get_ready` does what the first question costs a process before anything is sent, so
    that its time tells nothing; it may raise what `open` may. `insecurity` says how passwords are
    at risk on their way, in a sentence, or nothing.
    `sources` names the attribute behind each field of a user, where an administrator chooses them.
    `fetch_certificate` returns the server's certificate, trusted or not, unless
    `why_no_certificate` says why there is none.
    `addresses` is what its URLs begin with, by which `directory-check` and Connection choose it.
    `examine` is how a server is checked whose protocol is to be kept, with the service's own
    password, and a user name with its password or None; others are asked as a sync and a log-on do.
    """

    name: str
    label: str
    fields: tuple[SettingField, ...]
    open: Callable[[Settings, str], Directory]
    where: Callable[[Settings], str]
    identity: Callable[[Settings], str] | None = None
    check: Callable[[Settings], None] = lambda _: None
    get_ready: Callable[[Settings], None] = lambda _: None
    insecurity: Callable[[Settings], str] = lambda _: ""
    sources: Callable[[Settings], Mapping[str, str]] = lambda _: {}
    fetch_certificate: Callable[[Settings], Coroutine[Any, Any, Certificate]] = _no_certificate
    why_no_certificate: Callable[[Settings], str] = lambda _: _NO_CERTIFICATE
    addresses: tuple[str, ...] = ()
    examine: Callable[[Settings, str, LogOn | None], AsyncIterator[Finding]] | None = None
