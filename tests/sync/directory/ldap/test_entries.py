"""Entries become records by a schema: what is a user, what its name is, what cannot be read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from sync.directory.types.ldap.entries import EntryReader
from sync.directory.types.ldap.schema import PRESETS

GENERIC = EntryReader(PRESETS["generic"])
ACTIVE_DIRECTORY = EntryReader(PRESETS["active_directory"])
DN = "uid=anna,dc=example,dc=com"


def entry(dn: str = DN, **values: Any) -> tuple[str, dict[str, list[bytes]]]:
    names = {name.replace("__", ";").replace("_", "-"): value for name, value in values.items()}
    return dn, {name: [*map(_bytes, value)] for name, value in names.items()}


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


PERSON = ["top", "person", "inetOrgPerson"]


@pytest.mark.parametrize(
    ("classes", "more", "is_user"),
    [
        (PERSON, {}, True),
        (["account", "posixAccount"], {}, True),
        ([], {}, True),  # a server that hides objectClass: the filter has matched
        (["top", "person", "user", "computer"], {}, False),
        (["groupOfNames"], {}, False),
        (["top", "group"], {}, False),
        (["posixGroup"], {}, False),
        (["posixGroup", "posixAccount"], {}, True),  # a group of one's own, by RFC 2307bis
        (["organizationalUnit"], {}, False),
        (["referral", "extensibleObject"], {}, False),
        (["user", "person"], {"isDeleted": ["TRUE"]}, False),
        (["user", "person"], {"isDeleted": ["FALSE"]}, True),
        (["account", "posixAccount"], {"uid": ["desk7$"]}, False),
    ],
)
def test_who_is_a_user(classes: list[str], more: dict[str, Any], is_user: bool) -> None:
    values = {"uid": ["anna"], "objectClass": classes, **more}
    assert (GENERIC.record(entry(**values)) is not None) is is_user


@pytest.mark.parametrize(
    ("dn", "names", "found"),
    [
        (DN, ["anna"], "anna"),
        (DN, ["zoe", "anna"], "anna"),
        ("UID=Anna+cn=x,dc=example", ["zoe", "anna"], "anna"),
        ("uid=a\\, b,dc=example", ["zoe", "a, b"], "a, b"),
        ("uid=\\C3\\A4nne,dc=example", ["zoe", "änne"], "änne"),
        ("cn=Anna,dc=example", ["zoe", "anna"], None),
        (DN, [], None),
        ("uid=ann,dc=example", ["anna", "annabel"], None),
    ],
)
def test_of_several_user_names_the_one_in_the_entry_s_name_counts(
    dn: str, names: list[str], found: str | None
) -> None:
    listing = GENERIC.listing([[entry(dn, uid=names, mail=["a@x.org"], entryUUID=["7"])]])
    assert [user.user_name for user in listing.users] == [found] * (found is not None)
    for bad in listing.invalid:
        assert (bad.distinguished_name, bad.email_addresses, bad.id) == (dn, ["a@x.org"], "7")
        says = f"“{dn}” has {len(names)} values of uid" if names else f"“{dn}” has no uid"
        assert says in bad.problem
    assert listing.listed == 1


def test_names_of_attributes_have_no_case_and_other_languages_are_left_out() -> None:
    listing = GENERIC.listing([[entry(UID=["anna"], CN=["Anna"], cn__lang_de=["Ännchen"])]])
    assert listing.users[0].full_name == "Anna"
    listing = GENERIC.listing([[entry(uid=["anna"], cn__lang_de=["Ännchen"])]])
    assert listing.users[0].full_name is None


def test_the_order_of_values_does_not_matter() -> None:
    one, other = (
        GENERIC.listing([[entry(uid=["anna"], cn=names, mail=mail)]]).users
        for names, mail in (
            (["Anna", "Anna Berg"], ["a@x.org", "b@x.org"]),
            (["Anna Berg", "Anna"], ["b@x.org", "a@x.org"]),
        )
    )
    assert one == other


def test_active_directory() -> None:
    number = UUID("01234567-89ab-cdef-0123-456789abcdef")
    listing = ACTIVE_DIRECTORY.listing(
        [
            [
                entry(
                    "CN=Berg\\, Anna,OU=Köln,DC=example,DC=com",
                    sAMAccountName=["anna"],
                    displayName=["Anna Berg"],
                    mail=["a@x.org"],
                    proxyAddresses=["smtp:b@x.org", "sip:a@x.org", "SMTP:c@x.org"],
                    objectGUID=[number.bytes_le],
                    objectClass=["top", "person", "organizationalPerson", "user"],
                )
            ]
        ]
    )
    (anna,) = listing.users
    assert anna.email_addresses == ["c@x.org", "a@x.org", "b@x.org"]
    assert (anna.id, anna.unreadable, listing.warnings) == (str(number), (), [])
    assert ACTIVE_DIRECTORY.write_id(str(number)) == number.bytes_le


@pytest.mark.parametrize(
    ("values", "unreadable"),
    [
        ({"cn": [b"\xff"]}, ("full_name",)),
        ({"entryUUID": [b"\xff\x00"]}, ("id",)),
        ({"entryUUID": ["1", "2"]}, ("id",)),
        ({"mail": [b"\xff@x.org", "a@x.org"]}, ("email_addresses",)),
        ({"mail": [f"a{number}@x.org" for number in range(10_000)]}, ("email_addresses",)),
        ({"mail": [], "mail__range=0-499": ["a@x.org"]}, ("email_addresses",)),
        ({"mail": [], "mail__range=0-*": ["a@x.org"]}, ()),
        ({"mail": ["not an address"]}, ("email_addresses",)),
    ],
)
def test_what_cannot_be_read_is_unknown(values: Any, unreadable: tuple[str, ...]) -> None:
    listing = GENERIC.listing([[entry(uid=["anna"], **values)]])
    (anna,) = listing.users
    assert anna.unreadable == unreadable
    assert bool(listing.warnings) is bool(unreadable)


@pytest.mark.parametrize("name", [b"\xff", "a\x1bb", "../up", "", "a\x00b", "a/b"])
def test_a_user_name_that_cannot_be_used_is_present_and_no_user(name: str | bytes) -> None:
    listing = GENERIC.listing([[entry(uid=[name], entryUUID=["7"])]])
    assert (listing.users, len(listing.invalid)) == ([], 1)
    assert listing.invalid[0].id == "7"
