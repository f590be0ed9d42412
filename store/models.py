"""What the store holds: users, filter rules and settings, as plain immutable values.

They import nothing slow, because log-on and the first frame read them. Values from outside
pass `store.validation` (pydantic) before it becomes one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, NotRequired, TypedDict

from store.names import match_key

Authentication = Literal["integrated", "directory_services"]
INTEGRATED: Authentication = "integrated"
DIRECTORY_SERVICES: Authentication = "directory_services"
AUTHENTICATION_LABELS: dict[str, str] = {
    INTEGRATED: "Integrated",
    DIRECTORY_SERVICES: "Directory Services",
}

SettingValue = str | int | bool


class UserRow(TypedDict):
    """One user as the store's file spells it. A row is never changed in place."""

    user_name: str
    full_name: str | None
    distinguished_name: str | None
    email_addresses: list[str]
    authentication: Authentication
    privileges: list[str]
    folder_privileges: dict[str, list[str]]
    password_hash: str | None
    created: str
    changed: str
    rev: int
    pinned: NotRequired[bool]
    directory_id: NotRequired[str | None]
    directory: NotRequired[str | None]
    other_id: NotRequired[str | None]
    absent_since: NotRequired[str | None]


def copied(users: Mapping[str, UserRow]) -> dict[str, UserRow]:
    """Return a copy of them that may be changed.

    Where users were removed, `dict` would add all others one by one, which takes 20 times as long.
    """
    return users.copy() if isinstance(users, dict) else dict(users)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of the archive.

    `folder_privileges` maps an archive folder (the `match_key` of its owner's user name) to the
    rights on it. `created` and `changed` are UTC times in ISO 8601. `rev` is the generation of the
    last write to this user, so a user who was deleted and made again never has an old one; the
    store sets it and the times. A `pinned` user is not deleted by a sync.

    `directory_id` is the id under which the directory knows the person, whatever the name becomes;
    `directory` is the type and the URL of the directory that gave it. While `other_id` is set, that
    directory lists the name under this other id, and nobody has said who it is.

    `absent_since` is the day, in UTC and ISO 8601, on which a sync found the user gone and marked
    it as leaving; see `sync.planning.leavers`.
    """

    user_name: str
    full_name: str | None = None
    distinguished_name: str | None = None
    email_addresses: list[str] = field(default_factory=list)
    authentication: Authentication = INTEGRATED
    privileges: list[str] = field(default_factory=list)
    folder_privileges: dict[str, list[str]] = field(default_factory=dict)
    password_hash: str | None = field(default=None, repr=False)
    created: str = ""
    changed: str = ""
    rev: int = 0
    pinned: bool = False
    directory_id: str | None = None
    directory: str | None = None
    other_id: str | None = None
    absent_since: str | None = None

    @property
    def is_suspended(self) -> bool:
        """Whether log-ons are refused, as the name may be another person's in the directory."""
        return self.other_id is not None and self.authentication == DIRECTORY_SERVICES

    @property
    def key(self) -> str:
        """The form of the user name under which users are matched."""
        return match_key(self.user_name)

    @classmethod
    def from_row(cls, row: UserRow) -> User:
        """Build the user from a row; fields of a newer version are left in the row."""
        return cls(**{name: row[name] for name in _USER_FIELDS if name in row})  # type: ignore[literal-required]

    def to_row(self) -> UserRow:
        """Return the user as the store's file spells it; the lists are the user's own."""
        return {name: getattr(self, name) for name in _USER_FIELDS}  # type: ignore[return-value]


_USER_FIELDS = tuple(item.name for item in fields(User))


REASON_MARK = " # "  # between a filter rule and its reason, where they are typed


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule:
    """One rule of the scope: users whose `field` matches the glob `pattern` are in or out.

    `skip` leaves them alone: a sync neither creates nor changes nor deletes them. `reason` is the
    administrator's note.
    """

    action: Literal["include", "exclude", "skip"]
    field: Literal["user_name", "email_domain", "distinguished_name"]
    pattern: str
    reason: str = ""

    def to_stored(self) -> dict[str, str]:
        """Return the rule as plain JSON values, without an empty reason."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, under the name that the command line and JSON use.

    `password` holds the Fernet token of the directory's password, never the password, and
    `notify_webhook` that of a URL, which may hold a secret.
    Times are in seconds, unless their name says days, and sizes in MiB. Filters apply in order.
    `more` holds the settings that only a directory type has, which are stored beside the others and
    looked at by none of them.
    """

    directory_service: str = "none"
    url: str = ""
    ignore_ssl_warnings: bool = False
    ca_file: str = ""
    pinned_certificate: str = ""
    requires_authentication: bool = False
    user_name: str = ""
    password: str = field(default="", repr=False)
    password_command: tuple[str, ...] = ()
    password_file: str = ""
    auth_command: str = "auth"
    auth_user_field: str = "userName"
    auth_password_field: str = "password"  # noqa: S105 - the name of a form field
    auth_success_field: str = "succeeded"
    auto_delete: bool = False
    delete_after_days: int = 0
    filters: tuple[FilterRule, ...] = ()
    default_privileges: tuple[str, ...] = ("login",)
    default_folder_privileges: tuple[str, ...] = ("read",)
    archive_root: str = ""
    guard_max_deletes: int = 25
    guard_max_delete_percent: int = 10
    guard_small_deletes: int = 3
    guard_max_shrink_percent: int = 20
    history_max_mib: int = 64
    max_answer_mib: int = 64
    max_users: int = 100_000
    list_timeout: int = 120
    login_timeout: int = 10
    notify_webhook: str = field(default="", repr=False)
    notify_mail: str = ""
    more: Mapping[str, SettingValue] = field(default_factory=dict, hash=False)

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> Settings:
        """Build settings from the file's own record, which was validated when it was written."""
        known = {name: stored[name] for name in SETTING_KEYS if name in stored}
        for name in _TUPLE_SETTINGS & known.keys():
            known[name] = tuple(known[name])
        if "filters" in known:
            known["filters"] = tuple(FilterRule(**rule) for rule in known["filters"])
        others = stored.keys() - known.keys()
        more = {name: stored[name] for name in sorted(others) if stored[name] is not None}
        return cls(**known, more=more)

    def to_stored(self) -> dict[str, Any]:
        """Return the settings as plain JSON values, the password as its token."""
        stored = {name: getattr(self, name) for name in SETTING_KEYS}
        return {**stored, "filters": tuple(rule.to_stored() for rule in self.filters), **self.more}

    def changes_to(self, other: Settings) -> dict[str, tuple[Any, Any]]:
        """Return the stored values, here and there, of each setting in which the two differ."""
        old, new = self.to_stored(), other.to_stored()
        return {
            key: (old.get(key), new.get(key))
            for key in {**old, **new}
            if old.get(key) != new.get(key)
        }


SETTING_KEYS = tuple(item.name for item in fields(Settings) if item.name != "more")
SECRET_SETTINGS = frozenset({"password", "notify_webhook"})  # kept as tokens, shown as set or not
_TUPLE_SETTINGS = frozenset({"password_command", "default_privileges", "default_folder_privileges"})
