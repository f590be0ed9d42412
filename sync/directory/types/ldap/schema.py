"""Which entries are users, and what their attributes are called: presets, settings over them."""

from __future__ import annotations

import re
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from store.distinguished_names import normal_form
from store.errors import InvalidSetting
from store.models import Settings
from sync.directory.types.directory_type import SettingField

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+", re.ASCII)  # RFC 4512, 2.5


class Schema(NamedTuple):
    """How users are found, and which attributes say what of them."""

    filter: str
    user_name: str
    full_name: str
    addresses: tuple[str, ...]
    id: str


PRESETS = {
    "generic": Schema(
        "(|(objectClass=inetOrgPerson)(objectClass=posixAccount))",
        "uid",
        "cn",
        ("mail",),
        "entryUUID",
    ),
    "active_directory": Schema(
        "(&(objectCategory=person)(objectClass=user))",
        "sAMAccountName",
        "displayName",
        ("mail", "proxyAddresses"),
        "objectGUID",
    ),
}


def _check_attribute(key: str, name: str) -> None:
    if name and not _ATTRIBUTE.fullmatch(name):
        raise InvalidSetting(key, "must be the name of one attribute.", "Give a name such as uid.")


def _check_attributes(key: str, names: str) -> None:
    for name in split_names(names):
        if not _ATTRIBUTE.fullmatch(name):
            raise InvalidSetting(
                key, "must be names of attributes.", "Give names such as mail,proxyAddresses."
            )


def _check_base(base: str) -> None:
    if not base:
        raise InvalidSetting(
            "ldap_base",
            "must not be empty.",
            "Give the name of an entry, such as dc=example,dc=com.",
        )
    if normal_form(base) is None:
        raise InvalidSetting(
            "ldap_base",
            "is not a distinguished name.",
            "Give the name of an entry, such as ou=people,dc=example,dc=com.",
        )


def _check_filter(text: str) -> None:
    """Refuse what cannot be a filter of RFC 4515; whether it is one libldap says."""
    depths = [*accumulate((char == "(") - (char == ")") for char in text)]
    if text and (text[0] != "(" or depths[-1] or 0 in depths[:-1]):
        raise InvalidSetting(
            "ldap_filter",
            "must be one filter in balanced parentheses.",
            "Give a filter such as (objectClass=person).",
        )


def split_names(names: str) -> tuple[str, ...]:
    """Return attribute names that commas or spaces separate."""
    return tuple(names.replace(",", " ").split())


BASE = SettingField(
    "ldap_base", "Base", "", placeholder="ou=people,dc=example,dc=com", check=_check_base
)
SCHEMA = SettingField(
    "ldap_schema",
    "Schema",
    "generic",
    section="Which entries are users; an empty field takes the schema's value",
    choices=(("OpenLDAP and the like", "generic"), ("Active Directory", "active_directory")),
)
FILTER = SettingField(
    "ldap_filter", "Filter", "", placeholder="users of the schema", check=_check_filter
)


def _attribute(key: str, label: str, usual: str) -> SettingField:
    return SettingField(key, label, "", placeholder=usual, check=partial(_check_attribute, key))


USER_NAME = _attribute("ldap_user_name_attribute", "User name", "uid, or sAMAccountName")
FULL_NAME = _attribute("ldap_full_name_attribute", "Full name", "cn, or displayName")
ADDRESSES = SettingField(
    "ldap_address_attributes",
    "Addresses",
    "",
    placeholder="mail, or mail,proxyAddresses",
    check=partial(_check_attributes, "ldap_address_attributes"),
)
ID = _attribute("ldap_id_attribute", "Id", "entryUUID, or objectGUID")
FIELDS = (SCHEMA, FILTER, USER_NAME, FULL_NAME, ADDRESSES, ID)


def schema_of(settings: Settings) -> Schema:
    """Return the preset's schema with what is set in place of it."""
    preset = PRESETS.get(SCHEMA.value(settings), PRESETS["generic"])
    return Schema(
        FILTER.value(settings) or preset.filter,
        USER_NAME.value(settings) or preset.user_name,
        FULL_NAME.value(settings) or preset.full_name,
        split_names(ADDRESSES.value(settings)) or preset.addresses,
        ID.value(settings) or preset.id,
    )
