"""What a real slapd lists, over each way to reach it, and what each failure is called."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from store.models import Settings
from sync.directory.listing import Progress
from sync.directory.types.application_integration import APPLICATION_INTEGRATION
from sync.directory.types.directory_type import Directory, DirectoryType
from sync.directory.types.ldap.ldap_type import LDAP
from sync.errors import CertificateRefused, DirectoryError
from tests.support.authority import Authority, certificate_only, server_context
from tests.support.hostile_server import Connection, hostile_server
from tests.support.ports import free_port
from tests.support.slapd import (
    BASE,
    PEOPLE,
    SERVICE,
    SERVICE_SECRET,
    Slapd,
    ldap_settings,
    person,
    require_python_ldap,
)
from tests.sync.directory.ldap.conftest import HIDDEN


def client(settings: Settings, password: str = SERVICE_SECRET) -> Directory:
    return LDAP.open(settings, password)


async def failure(settings: Settings, password: str = SERVICE_SECRET) -> tuple[str, str]:
    with pytest.raises(DirectoryError) as caught:
        await client(settings, password).list_users()
    assert SERVICE_SECRET not in str(caught.value)
    assert caught.value.__context__ is None
    return caught.value.kind, str(caught.value)


async def test_users_are_listed_with_their_ids_and_nothing_else_is_a_user(slapd: Slapd) -> None:
    listing = await client(slapd.settings()).list_users()
    assert (listing.invalid, listing.warnings) == ([], [])
    anna, bert = listing.users
    assert anna[:4] == (
        "anna",
        f"uid=anna,{PEOPLE}",
        "Anna Berg",
        ["a.berg@example.com", "anna@example.com"],
    )
    assert (bert.user_name, bert.full_name) == ("bert", "Bert")
    assert anna.id
    assert anna.id.count("-") == 4
    assert anna.id != bert.id


WAYS: dict[str, dict[str, Any]] = {
    "ldap": {},
    "ldaps with its CA": {"url": "{tls_url}", "ca_file": "{ca}"},
    "ldaps, pinned": {"url": "{tls_url}", "pinned_certificate": "{pin}"},
    "ldaps, warnings ignored": {"url": "{tls_url}", "ignore_ssl_warnings": True},
    "StartTLS with its CA": {"ldap_start_tls": True, "ca_file": "{ca}"},
    "StartTLS, pinned": {"ldap_start_tls": True, "pinned_certificate": "{pin}"},
    "with credentials": {"requires_authentication": True, "user_name": SERVICE},
    "the second server": {"url": "{nowhere} {url}"},
    "the third, in TLS": {"url": "{nowhere} ldap://host.invalid {tls_url}", "ca_file": "{ca}"},
}


def filled(
    changes: dict[str, Any], slapd: Slapd, authority: Authority, server_pem: Path
) -> dict[str, Any]:
    known = {
        "url": slapd.url,
        "tls_url": slapd.tls_url,
        "nowhere": f"ldap://127.0.0.1:{free_port()}",
        "ca": str(authority.file),
        "pin": certificate_only(server_pem),
    }
    return {
        key: value.format(**known) if isinstance(value, str) else value
        for key, value in changes.items()
    }


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_lists_and_checks(
    way: str, slapd: Slapd, authority: Authority, server_pem: Path
) -> None:
    settings = slapd.settings(**filled(WAYS[way], slapd, authority, server_pem))
    listing = await client(settings).list_users()
    assert [user.user_name for user in listing.users] == ["anna", "bert"]
    assert await client(settings).check_password("anna", "the password of anna")
    assert not await client(settings).check_password("anna", "the password of bert")


FAILURES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no host": ({"url": "ldap://host.invalid"}, "host_not_found", "host.invalid was not found"),
    "refused": ({"url": "{nowhere}"}, "connection_failed", "refused.*the LDAP server runs"),
    "all of several": (
        {"url": "{nowhere} ldap://host.invalid"},
        "connection_failed",
        "refused the connection. The host host.invalid was not found",
    ),
    "unknown CA": ({"url": "{tls_url}"}, "certificate_refused", "unknown issuer"),
    "unknown CA, StartTLS": ({"ldap_start_tls": True}, "certificate_refused", "unknown issuer"),
    "the certificate before the others": (
        {"url": "{nowhere} {tls_url}"},
        "certificate_refused",
        "unknown issuer",
    ),
    "another host": (
        {"url": "ldaps://localhost:{tls_port}", "ca_file": "{ca}"},
        "certificate_refused",
        "another host name",
    ),
    "no TLS there": (
        {"url": "ldaps://127.0.0.1:{port}", "ca_file": "{ca}"},
        "not_https",
        "TLS connection to .* failed.*StartTLS",
    ),
    "TLS there": ({"url": "ldap://127.0.0.1:{tls_port}"}, "not_ldap", "begins with TLS"),
    "bind refused": (
        {"requires_authentication": True, "user_name": f"cn=nobody,{BASE}"},
        "service_credentials_refused",
        "refused the service's own name or password",
    ),
    "no bind name": (
        {"requires_authentication": True},
        "service_credentials_refused",
        "anonymous log-on",
    ),
    "no base": ({"ldap_base": "dc=nowhere"}, "base_not_found", "has no entry dc=nowhere"),
    "malformed filter": (
        {"ldap_filter": "(&(uid=a)(|x))"},
        "filter_refused",
        "Correct ldap_filter",
    ),
    "unknown attribute": (
        {"ldap_filter": "(noSuchAttribute=*)"},
        "wrong_shape",
        "no entry under .* that matches .noSuchAttribute",
    ),
    "empty part": ({"ldap_base": HIDDEN}, "wrong_shape", "no entry under"),
    "wrong schema": (
        {"ldap_user_name_attribute": "sAMAccountName"},
        "wrong_shape",
        "None of 3 records .* in the attribute sAMAccountName",
    ),
    "too many": ({"max_users": 1}, "too_large", "more than the limit of 1 user.*max_users"),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_each_failure_is_told(
    case: str, slapd: Slapd, authority: Authority, server_pem: Path
) -> None:
    changes, kind, says = FAILURES[case]
    changes = {
        key: value.replace("{tls_port}", str(slapd.tls_port)).replace("{port}", str(slapd.port))
        if isinstance(value, str)
        else value
        for key, value in changes.items()
    }
    told = await failure(slapd.settings(**filled(changes, slapd, authority, server_pem)))
    assert told[0] == kind
    assert _matches(says, told[1]), told[1]


def _matches(pattern: str, text: str) -> bool:
    with pytest.raises(ValueError, match=pattern):
        raise ValueError(text)
    return True


async def test_a_wrong_service_password_is_no_outage_of_the_server(slapd: Slapd) -> None:
    settings = slapd.settings(requires_authentication=True, user_name=SERVICE)
    assert (await failure(settings, "wrong"))[0] == "service_credentials_refused"
    assert (await failure(settings, ""))[0] == "service_credentials_refused"


async def test_start_tls_that_the_server_does_not_offer(tmp_path: Path) -> None:
    with Slapd(tmp_path, [person("anna")]) as plain:
        kind, text = await failure(plain.settings(ldap_start_tls=True))
    assert (kind, "refused StartTLS" in text) == ("start_tls_refused", True)


async def test_more_than_a_page_and_the_server_s_limit(tmp_path: Path) -> None:
    people = [person(f"user{number}") for number in range(2_345)]
    limits = f'limits dn.exact="{SERVICE}" size.prtotal=unlimited\nsizelimit 500'
    with Slapd(tmp_path, people, database=limits) as large:
        seen: list[Progress] = []
        settings = large.settings(requires_authentication=True, user_name=SERVICE)
        listing = await client(settings).list_users(seen.append)
        assert listing.listed == 2_345
        assert len({user.id for user in listing.users}) == 2_345
        assert [progress.users for progress in seen] == [1000, 2000, 2345]

        kind, text = await failure(large.settings())  # anonymous, with the limit
        assert kind == "not_whole"
        assert "limit for the number of entries" in text
        assert (await failure(replace_limit(settings)))[0] == "too_large"


def replace_limit(settings: Settings) -> Settings:
    from dataclasses import replace

    return replace(settings, max_users=2_000)


async def test_who_may_not_ask_is_told_so(tmp_path: Path) -> None:
    with Slapd(tmp_path, [person("anna")], general="disallow bind_anon\nrequire authc") as closed:
        kind, text = await failure(closed.settings())
        assert (kind, "Server requires authentication" in text) == (
            "service_credentials_refused",
            True,
        )
        settings = closed.settings(requires_authentication=True, user_name=SERVICE)
        assert (await client(settings).list_users()).listed == 1


async def test_a_referral_is_not_followed_and_the_list_is_not_whole(tmp_path: Path) -> None:
    elsewhere = f"""\
dn: ou=elsewhere,{PEOPLE}
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:1/ou=elsewhere,{PEOPLE}
"""
    with Slapd(tmp_path, [person("anna"), elsewhere]) as split:
        kind, text = await failure(split.settings())
        assert (kind, "127.0.0.1:1" in text) == ("not_whole", True)
        kind, _ = await failure(split.settings(ldap_base=f"ou=elsewhere,{PEOPLE}"))
        assert kind == "not_whole"


@pytest.mark.parametrize("kind", [APPLICATION_INTEGRATION, LDAP], ids=lambda kind: kind.name)
async def test_a_certificate_that_cannot_be_read_is_told_as_the_server_s(
    authority: Authority, tmp_path: Path, kind: DirectoryType
) -> None:
    require_python_ldap()
    whole = authority.issue()
    der = ssl.PEM_cert_to_DER_cert(certificate_only(whole))
    spoiled = re.sub(rb"(\x17\x0d\d\d)\d\d", rb"\g<1>13", der)  # the month of its dates
    file = tmp_path / "server.pem"
    key = whole.read_text().partition("-----END CERTIFICATE-----\n")[2]
    file.write_text(ssl.DER_cert_to_PEM_cert(spoiled) + key)
    with hostile_server(Connection.hold, server_context(file), waits_for_request=False) as server:
        url = server.url if kind is not LDAP else f"ldaps://127.0.0.1:{server.port}"
        with pytest.raises(CertificateRefused, match=r"^The server's certificate cannot be read"):
            await kind.fetch_certificate(server.settings(url=url))


async def test_a_certificate_can_be_looked_at(slapd: Slapd, server_pem: Path) -> None:
    for changes in ({"url": slapd.tls_url}, {"ldap_start_tls": True}):
        shown = await LDAP.fetch_certificate(slapd.settings(**changes))
        assert shown.pem == certificate_only(server_pem)
        assert LDAP.why_no_certificate(slapd.settings(**changes)) == ""
    assert "no certificate" in LDAP.why_no_certificate(slapd.settings())
    with pytest.raises(DirectoryError, match="refused the connection"):
        await LDAP.fetch_certificate(ldap_settings(url=f"ldaps://127.0.0.1:{free_port()}"))
