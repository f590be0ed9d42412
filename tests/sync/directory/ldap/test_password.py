"""A password is checked by a bind as the user's entry: what a real slapd says yes and no to."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.directory.types.ldap.ldap_type import LDAP
from sync.errors import DirectoryError
from tests.support.ports import free_port
from tests.support.slapd import BASE, PEOPLE, SERVICE, SERVICE_SECRET, Slapd, password_of, person

_POLICY = f"""\
dn: ou=policies,{BASE}
objectClass: organizationalUnit
ou: policies

dn: cn=standard,ou=policies,{BASE}
objectClass: device
objectClass: pwdPolicy
cn: standard
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
"""
_OVERLAY = f"""
overlay ppolicy
ppolicy_default "cn=standard,ou=policies,{BASE}"
ppolicy_use_lockout
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """A slapd with a password policy: three failures lock."""
    people = [person(name) for name in ("anna", "locked", "disabled")]
    special = person("o*(b)", cn="O", mail="ob@example.com")
    two = person("twin").replace("dn: uid=twin,", "dn: cn=Twin,")
    other = person("twin").replace("dn: uid=twin,", "dn: sn=Twin,")
    folder = tmp_path_factory.mktemp("strict")
    with Slapd(folder, [_POLICY, *people, special, two, other], database=_OVERLAY) as running:
        running.modify(
            f"dn: uid=disabled,{PEOPLE}\nchangetype: modify\n"
            "add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
        )
        yield running


async def check(server: Slapd, name: str, password: str, **more: str) -> tuple[bool, str]:
    directory = LDAP.open(server.settings(), "")
    right = await directory.check_password(name, password, more.get("stable_id"))
    return right, directory.why_refused


@pytest.mark.parametrize(
    ("name", "password", "right", "why"),
    [
        ("anna", password_of("anna"), True, ""),
        ("ANNA", password_of("anna"), True, ""),
        ("anna", password_of("Anna"), False, ""),
        ("anna", "", False, ""),
        ("anna", "\udcff", False, ""),
        ("\udcff", "x", False, ""),
        ("o*(b)", password_of("o*(b)"), True, ""),
        ("*", password_of("anna"), False, "the directory has no such entry"),
        ("anna)(uid=*", password_of("anna"), False, "the directory has no such entry"),
        ("a*", password_of("anna"), False, "the directory has no such entry"),
        (" anna ", password_of("anna"), False, "the directory has no such entry"),
        ("nobody", "x", False, "the directory has no such entry"),
        ("disabled", password_of("disabled"), False, "the account is locked there"),
    ],
)
async def test_by_name(strict: Slapd, name: str, password: str, right: bool, why: str) -> None:
    assert await check(strict, name, password) == (right, why)


async def test_an_account_is_locked_by_the_directory(strict: Slapd) -> None:
    assert await check(strict, "locked", password_of("locked")) == (True, "")
    for _ in range(3):
        assert (await check(strict, "locked", "wrong"))[0] is False
    locked = (False, "the account is locked there")
    assert await check(strict, "locked", password_of("locked")) == locked


async def test_a_name_that_two_entries_have_is_nobody_s(strict: Slapd) -> None:
    with pytest.raises(DirectoryError, match="2 entries with the user name “twin”"):
        await check(strict, "twin", password_of("twin"))


async def test_the_id_says_whose_password_it_is(tmp_path: Path) -> None:
    with Slapd(tmp_path, [person("anna"), person("bert")]) as server:
        listing = await LDAP.open(server.settings(), "").list_users()
        anna, bert = (user.id or "" for user in listing.users)

        server.modify(
            f"dn: uid=anna,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=anne\ndeleteoldrdn: 1\n"
        )
        assert await check(server, "anna", password_of("anna"), stable_id=anna) == (True, "")

        # Another person gets the name: not the one that mailroster knows under it.
        server.modify(f"dn: uid=bert,{PEOPLE}\nchangetype: delete\n")
        server.modify(person("bert").replace("\n", "\nchangetype: add\n", 1))
        none = (False, "the directory has no such entry")
        assert await check(server, "bert", password_of("bert"), stable_id=bert) == none
        assert await check(server, "bert", password_of("bert")) == (True, "")

        # Where the server has no ids to tell, the name is all there is.
        settings = server.settings(ldap_id_attribute="employeeNumber")
        directory = LDAP.open(settings, "")
        assert await directory.check_password("bert", password_of("bert"), bert)


async def test_outside_of_the_filter_nobody_logs_on(slapd: Slapd) -> None:
    settings = slapd.settings(ldap_filter="(&(objectClass=inetOrgPerson)(!(uid=bert)))")
    assert await LDAP.open(settings, "").check_password("anna", password_of("anna"))
    assert not await LDAP.open(settings, "").check_password("bert", password_of("bert"))


async def test_the_service_s_own_refusal_is_an_outage(slapd: Slapd) -> None:
    settings = slapd.settings(requires_authentication=True, user_name=SERVICE)
    assert await LDAP.open(settings, SERVICE_SECRET).check_password("anna", password_of("anna"))
    with pytest.raises(DirectoryError) as caught:
        await LDAP.open(settings, "wrong").check_password("anna", password_of("anna"))
    assert caught.value.kind == "service_credentials_refused"


async def test_a_server_that_takes_no_password_in_clear(tmp_path: Path) -> None:
    with (
        Slapd(tmp_path, [person("anna")], general="security simple_bind=64") as server,
        pytest.raises(DirectoryError, match="over a connection without TLS"),
    ):
        await check(server, "anna", password_of("anna"))


async def test_a_server_that_is_not_there_is_an_outage(slapd: Slapd) -> None:
    settings = slapd.settings(url=f"ldap://127.0.0.1:{free_port()}")
    with pytest.raises(DirectoryError, match="refused the connection"):
        await LDAP.open(settings, "").check_password("anna", password_of("anna"))


async def test_a_mute_server_leaves_time_for_the_next(slapd: Slapd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute_url = f"ldap://127.0.0.1:{mute.getsockname()[1]}"
        settings = slapd.settings(url=f"{mute_url} {slapd.url}", login_timeout=2)
        assert await LDAP.open(settings, "").check_password("anna", password_of("anna"))
        alone = slapd.settings(url=mute_url, login_timeout=1)
        with pytest.raises(DirectoryError, match="within 1 s"):
            await LDAP.open(alone, "").check_password("anna", password_of("anna"))
    # Who waits for a server holds up nobody else.
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"ldap://127.0.0.1:{mute.getsockname()[1]}"
        waiting = LDAP.open(slapd.settings(url=url, login_timeout=30), "")
        task = asyncio.create_task(waiting.check_password("anna", "x"))
        await asyncio.sleep(0.1)
        assert await LDAP.open(slapd.settings(), "").check_password("anna", password_of("anna"))
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not [thread for thread in threading.enumerate() if "look-up" in thread.name]
