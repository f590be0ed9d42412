"""From sync to log-on with an Active Directory, which Samba plays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from store.models import Settings
from sync.directory.listing import Listing
from sync.directory.types.ldap.ldap_type import LDAP
from sync.errors import DirectoryError
from tests.support.command_line import CommandLine
from tests.support.samba import (
    ADMINISTRATOR_SECRET,
    BASE,
    DISABLED,
    STAFF,
    ActiveDirectory,
    active_directory,
    change,
    password_of,
    user,
)

BUILT_IN = {"Administrator", "Guest", "krbtgt", "dns-dc1"}
ZOE = "Österreicher, Zoë"


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActiveDirectory]:
    with active_directory(tmp_path_factory.mktemp("samba")) as running:
        running.modify(
            change(BASE, "changetype: modify", "replace: lockoutThreshold", "lockoutThreshold: 3"),
            change(STAFF, "changetype: add", "objectClass: organizationalUnit"),
            user(
                "anna",
                common_name="Anna Berg",
                proxyAddresses=["smtp:anna@example.org", "SMTP:berg@example.test", "sip:x@y"],
            ),
            user("zoë", common_name=ZOE, mail="zoe@example.test"),
            *(user(name) for name in ("bert", "disabled", "expired", "locked", "stale")),
            change(
                f"CN=disabled,{STAFF}",
                "changetype: modify",
                "replace: userAccountControl",
                f"userAccountControl: {DISABLED}",
            ),
            change(
                f"CN=expired,{STAFF}",
                "changetype: modify",
                "replace: accountExpires",
                "accountExpires: 116444736000000000",
            ),
            change(
                f"CN=stale,{STAFF}", "changetype: modify", "replace: pwdLastSet", "pwdLastSet: 0"
            ),
            change(
                f"CN=PC7,{STAFF}",
                "changetype: add",
                "objectClass: computer",
                "sAMAccountName: PC7$",
                "userAccountControl: 4096",
            ),
            change(f"CN=staff,{STAFF}", "changetype: add", "objectClass: group"),
        )
        yield running


def listed(settings: Settings) -> Listing:
    return asyncio.run(LDAP.open(settings, ADMINISTRATOR_SECRET).list_users())


def refusal(settings: Settings, password: str = ADMINISTRATOR_SECRET) -> str:
    with pytest.raises(DirectoryError) as caught:
        asyncio.run(LDAP.open(settings, password).list_users())
    assert password not in str(caught.value) or not password
    return caught.value.kind


def check(domain: ActiveDirectory, name: str, password: str, **more: Any) -> tuple[bool, str]:
    directory = LDAP.open(domain.settings(**more), ADMINISTRATOR_SECRET)
    return asyncio.run(directory.check_password(name, password)), directory.why_refused


def test_who_is_a_user_and_who_may_log_on(domain: ActiveDirectory) -> None:
    users = {item.user_name: item for item in listed(domain.settings()).users}
    named = {"anna", "zoë", "bert", "disabled", "expired", "locked", "stale"}
    assert named == users.keys() - BUILT_IN
    assert users["anna"].email_addresses == [
        "berg@example.test",
        "anna@example.test",
        "anna@example.org",
    ]
    assert users["zoë"].full_name == ZOE
    assert users["zoë"].distinguished_name == f"CN=Österreicher\\, Zoë,{STAFF}"

    # A filter that matches groups, computers and what is deleted gives the same users.
    everything = listed(domain.settings(ldap_filter="(|(objectClass=user)(objectClass=group))"))
    assert {item.user_name for item in everything.users} >= users.keys()
    assert not [item for item in everything.users if item.user_name.endswith("$")]

    for over in (
        {},
        {"url": domain.url, "ldap_start_tls": True},
        {"url": f"ldaps://{'127.0.0.1'}:1 {domain.tls_url}"},
        {"user_name": "EXAMPLE\\administrator"},
        {"user_name": f"CN=Administrator,CN=Users,{BASE}"},
    ):
        assert listed(domain.settings(**over)).listed == len(users)
        assert check(domain, "anna", password_of("anna"), **over) == (True, "")
        assert check(domain, "ZOË", password_of("zoë"), **over) == (True, "")
    assert refusal(domain.settings(user_name="administrator")) == "service_credentials_refused"
    assert refusal(domain.settings(), "wrong") == "service_credentials_refused"
    expired = domain.settings(user_name="expired@example.test")
    with pytest.raises(DirectoryError, match="own name or password: the account has expired"):
        asyncio.run(LDAP.open(expired, password_of("expired")).list_users())
    assert refusal(domain.settings(requires_authentication=False)) == "service_credentials_refused"
    assert refusal(domain.settings(ca_file="")) == "certificate_refused"
    assert refusal(domain.settings(ldap_base="DC=elsewhere,DC=test")) in (
        "base_not_found",
        "not_whole",
    )

    assert check(domain, "anna", "wrong") == (False, "")
    assert check(domain, "anna", "") == (False, "")
    assert check(domain, "nobody", "wrong")[0] is False
    for name, why in {
        "disabled": "the account is disabled there",
        "expired": "the account has expired there",
        "stale": "the password must be changed there first",
    }.items():
        assert check(domain, name, password_of(name)) == (False, why)
        assert check(domain, name, "wrong") == (False, "")
    for _ in range(3):
        check(domain, "locked", "wrong")
    assert check(domain, "locked", password_of("locked")) == (
        False,
        "the account is locked there",
    )


def test_from_sync_to_log_on(domain: ActiveDirectory, tmp_path_factory: Any) -> None:
    mailroster = CommandLine(tmp_path_factory.mktemp("mailroster"))
    wanted = domain.settings()
    done = mailroster(
        "settings",
        "set",
        "directory_service=ldap",
        f"url={wanted.url}",
        f"ca_file={wanted.ca_file}",
        f"user_name={wanted.user_name}",
        "requires_authentication=true",
        "auto_delete=true",
        *(f"{key}={value}" for key, value in wanted.more.items()),
    )
    assert done.code == 0, done.err
    stored = mailroster("settings", "set", "password", stdin=ADMINISTRATOR_SECRET + "\n")
    assert stored.code == 0
    domain.modify(user("carl"), user("dora"))
    assert mailroster("sync", "--yes").code == 0
    assert mailroster.log_on("carl", password_of("carl")) == 0
    assert mailroster.log_on("disabled", password_of("disabled")) == 1
    explained = mailroster("login", "disabled", "--explain", stdin=password_of("disabled") + "\n")
    assert "the account is disabled there" in explained.out

    # Another name, another unit: the same person.
    domain.modify(
        change(f"OU=left,{BASE}", "changetype: add", "objectClass: organizationalUnit"),
        change(
            f"CN=carl,{STAFF}",
            "changetype: modrdn",
            "newrdn: CN=karl",
            "deleteoldrdn: 1",
            f"newsuperior: OU=left,{BASE}",
        ),
        change(
            f"CN=karl,OU=left,{BASE}",
            "changetype: modify",
            "replace: sAMAccountName",
            "sAMAccountName: karl",
        ),
    )
    assert mailroster.log_on("carl", password_of("carl")) == 0
    renamed = mailroster("sync", "--yes", "--json").json
    assert (renamed["counts"]["rename"], renamed["counts"]["delete"]) == (1, 0)
    assert mailroster.users()["karl"]["distinguished_name"] == f"CN=karl,OU=left,{BASE}"
    assert mailroster.log_on("karl", password_of("carl")) == 0

    # The name is deleted and given anew: not the same person.
    domain.modify(change(f"CN=dora,{STAFF}", "changetype: delete"), user("dora"))
    assert mailroster.log_on("dora", password_of("dora")) == 1
    asked = mailroster("sync", "--yes", "--json")
    assert asked.code in (11, 13)
    assert mailroster.log_on("dora", password_of("dora")) == 1


def test_more_than_a_page(domain: ActiveDirectory) -> None:
    place = f"OU=many,{BASE}"
    domain.modify(
        change(place, "changetype: add", "objectClass: organizationalUnit"),
        *(  # contacts are made five times as fast as users, and paged alike
            change(
                f"CN=many{number},{place}",
                "changetype: add",
                "objectClass: contact",
                f"mail: many{number}@example.test",
            )
            for number in range(1_100)
        ),
    )
    contacts = {"ldap_filter": "(objectClass=contact)", "ldap_user_name_attribute": "cn"}
    listing = listed(domain.settings(ldap_base=place, **contacts))
    assert (listing.listed, len({item.id for item in listing.users})) == (1_100, 1_100)
