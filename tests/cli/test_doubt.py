"""Nobody is deleted, let in or left out on doubt: real answers, the real command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine, Done
from tests.support.hostile_server import Behaviour, answer, hostile_server

AUTO_DELETE = ("auto_delete=true", "guard_max_delete_percent=100")
Record = dict[str, Any]


class Site:
    """A store and a directory whose next answer a test sets."""

    def __init__(self, mailroster: CommandLine) -> None:
        self.mailroster = mailroster
        self.behave: Behaviour = answer("[]")

    def lists(self, *records: Any) -> Site:
        """Let the directory answer with these records."""
        self.behave = answer(json.dumps(records))
        return self

    def set(self, *assignments: str) -> None:
        done = self.mailroster("settings", "set", *assignments)
        assert done.code == 0, done.err

    def sync(self, *words: str) -> Done:
        return self.mailroster("sync", "--yes", *words)

    def addresses(self) -> dict[str, list[str]]:
        """Return the stored addresses by user name."""
        return {name: user["email_addresses"] for name, user in self.mailroster.users().items()}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(CommandLine(tmp_path))
    with ExitStack() as stack:
        server = stack.enter_context(hostile_server(lambda peer: site.behave(peer)))
        site.mailroster.set_up(server.url, *AUTO_DELETE)
        yield site


def user(name: str, *addresses: Any, **fields: Any) -> Record:
    return {"userName": name, "emailAddresses": list(addresses), **fields}


FOUR = [user(name, f"{name}@example.com") for name in ("anna", "bert", "carla", "dora")]


@pytest.mark.parametrize("status", ["201 Created", "202 Accepted", "203 Else", "206 Partial"])
def test_only_status_200_is_a_list(site: Site, status: str) -> None:
    assert site.lists(*FOUR).sync().code == 0
    site.behave = answer(json.dumps(FOUR[:2]), status, Content_Range="items 0-1/4")
    done = site.sync()
    assert (done.code, len(site.addresses())) == (20, 4), done.err
    assert site.lists(*FOUR[:2]).sync().code == 0
    assert len(site.addresses()) == 2


@pytest.mark.parametrize("records", [[1, 2, 3], [{"mail": "a@x.org"}] * 30, [{"userName": "a/b"}]])
def test_an_answer_of_refused_records_only_cannot_be_used(site: Site, records: list[Any]) -> None:
    done = site.lists(*records).sync("--json")
    assert (done.code, done.json["error"]["kind"]) == (20, "wrong_shape")
    assert "without a single usable user name" in done.err
    assert site.lists(*records, user("anna")).sync().code == 13


class TestOpenQuestions:
    """A rename that nobody answered: the person cannot log on until somebody does."""

    @pytest.fixture(autouse=True)
    def renamed(self, site: Site) -> None:
        assert site.lists(user("anna", "a@example.com")).sync().code == 0
        site.lists(user("anna.berg", "a@example.com"), *FOUR[1:2])

    def test_a_sync_that_leaves_one_ends_with_13(self, site: Site) -> None:
        assert site.sync().code == 13
        assert set(site.addresses()) == {"anna", "bert"}
        assert site.mailroster("test", "--exit-code").code == 13
        assert site.mailroster("test").code == 0
        assert site.sync("--rename", "anna.berg").code == 0

    def test_what_can_be_applied_is_told_first(self, site: Site) -> None:
        assert site.mailroster("test", "--exit-code").code == 10


@pytest.mark.parametrize(
    ("then", "now", "is_told"),
    [(1015, 1000, True), (501, 500, True), (1015, 1001, False), (999, 998, False)],
)
def test_a_page_limit_is_no_leaving(site: Site, then: int, now: int, is_told: bool) -> None:
    people = [user(f"u{number}") for number in range(then)]
    assert site.lists(*people).sync().code == 0
    done = site.lists(*people[:now]).sync()
    assert done.code == (11 if is_told else 0), done.err
    assert (f"lists exactly {now} users, fewer than the {then} at the last" in done.err) is is_told
    assert len(site.addresses()) == (then if is_told else now)


@pytest.mark.parametrize("name", ["a;b", "a # b", 'a"b', "a[1]"])
def test_every_name_can_be_skipped_always(site: Site, name: str) -> None:
    assert site.lists(user(name), user("anna")).sync("--skip-always", name).code == 0
    assert set(site.addresses()) == {"anna"}
    shown = site.mailroster("settings", "show", "--json").json["filters"]
    site.set("filters=" + told(site, "filters"))
    assert site.mailroster("settings", "show", "--json").json["filters"] == shown
    site.set("filters=")
    assert site.sync().code == 0
    assert set(site.addresses()) == {"anna", name}


def told(site: Site, key: str) -> str:
    """Return a setting as `settings show` tells it."""
    (line,) = [
        line
        for line in site.mailroster("settings", "show").out.splitlines()
        if line.startswith(key)
    ]
    return line.removeprefix(key).strip()


DN = [r"CN=Vogt\, Anna,OU=Sales,DC=ex", r"CN=Vogt\2C Anna, OU=Sales, DC=ex"]


def test_two_spellings_of_a_distinguished_name_are_one_person(site: Site) -> None:
    assert site.lists(user("anna", distinguishedName=DN[0]), *FOUR[1:]).sync().code == 0
    site.lists(user("vogt", distinguishedName=DN[1]), *FOUR[1:])
    assert site.sync().code == 13
    assert "anna" in site.addresses()
    site.set("filters=include distinguished_name *,ou=sales,dc=ex")
    for spelling in DN:
        plan = site.lists(user("anna", distinguishedName=spelling)).mailroster("test", "--json")
        assert [c["user_name"] for c in plan.json["changes"] if c["action"] == "delete"] == [
            "bert",
            "carla",
            "dora",
        ]


def test_two_spellings_of_an_address_have_one_holder(site: Site) -> None:
    site.lists(user("anna", "info@münchen.example", "müller@example.com"))
    assert site.sync().code == 0
    site.set("filters=include email_domain münchen.example")
    site.lists(user("anna", "info@xn--mnchen-3ya.example", "mu\u0308ller@example.com"))
    done = site.sync("--json")
    assert done.code == 0
    assert [change["action"] for change in done.json["changes"]] == ["update"]


def test_addresses_as_exchange_writes_them(site: Site) -> None:
    proxies = ["smtp:a.vogt@example.com", "SMTP:anna@example.com", "sip:anna@example.com"]
    site.lists(user("anna", *proxies), user("ben", "ben@example.com,", "<ben@example.com>"))
    done = site.sync()
    assert done.code == 0
    assert site.addresses() == {"anna": ["anna@example.com", "a.vogt@example.com"], "ben": []}
    assert "“ben@example.com,” was dropped" in done.err


BAD_ADDRESSES: list[Any] = ["u0@example.com", ["u0@example.com "], [5], {"0": "u0@example.com"}, 5]


class TestUnknownFields:
    """A field that cannot be read is neither empty nor equal."""

    PEOPLE = [
        user(f"u{number}", f"u{number}@example.com", distinguishedName=f"CN=u{number},OU=Sales")
        for number in range(4)
    ]

    @pytest.mark.parametrize("addresses", BAD_ADDRESSES)
    @pytest.mark.parametrize("rules", ["", "include email_domain example.com"])
    def test_addresses_leave_scope_and_store_alone(
        self, site: Site, addresses: Any, rules: str
    ) -> None:
        site.set(f"filters={rules}")
        assert site.lists(*self.PEOPLE).sync().code == 0
        before = site.addresses()
        bad = {**self.PEOPLE[0], "emailAddresses": addresses, "fullName": "New"}
        done = site.lists(bad, *self.PEOPLE[1:]).sync()
        assert (done.code, site.addresses()) == (0, before), done.err
        assert site.mailroster.users()["u0"]["full_name"] == "New"

    @pytest.mark.parametrize("name", [["CN=u0,OU=Sales"], 5, {}])
    def test_a_distinguished_name_too(self, site: Site, name: Any) -> None:
        site.set("filters=include distinguished_name *,ou=sales")
        assert site.lists(*self.PEOPLE).sync().code == 0
        site.lists({**self.PEOPLE[0], "distinguishedName": name}, *self.PEOPLE[1:])
        done = site.sync()
        assert (done.code, len(site.addresses())) == (0, 4), done.err

    @pytest.mark.parametrize("addresses", ["guest@partner.example", ["guest@partner.example "]])
    def test_nobody_is_let_in_where_a_filter_asks(self, site: Site, addresses: Any) -> None:
        site.set("filters=exclude email_domain partner.example")
        guest = {"userName": "guest", "emailAddresses": addresses}
        done = site.lists(guest, *FOUR[:1]).sync()
        assert (done.code, set(site.addresses())) == (13, {"anna"})
        assert "a filter needs them" in done.out
        site.set("filters=exclude user_name svc-*")
        assert site.sync().code == 0
        assert set(site.addresses()) == {"anna", "guest"}

    def test_nobody_goes_who_may_be_the_record(self, site: Site) -> None:
        assert site.lists(*FOUR[:2]).sync().code == 0
        renamed = {"userName": "anna.berg", "emailAddresses": "anna@example.com"}
        for _ in range(2):  # tonight and tomorrow night
            done = site.lists(renamed, *FOUR[1:2]).sync()
            assert set(site.addresses()) == {"anna", "anna.berg", "bert"}
            assert "“anna”: gone, but not deleted" in done.err
        assert site.lists(user("anna.berg", "b@example.com"), *FOUR[1:2]).sync().code == 0
        assert set(site.addresses()) == {"anna.berg", "bert"}


class TestSharedAddresses:
    def test_of_two_new_users_it_is_nobodys(self, site: Site) -> None:
        site.lists(user("a", "info@x.org", "a@x.org"), user("b", "info@x.org"))
        done = site.sync("--json")
        assert done.code == 0
        assert [change["left_out"] for change in done.json["changes"]] == [
            [{"address": "info@x.org", "holder": "b"}],
            [{"address": "info@x.org", "holder": "a"}],
        ]
        assert site.addresses() == {"a": ["a@x.org"], "b": []}
        assert done.err.count("is left out") == 1
        assert "1 more like this: “b”." in done.err
        again = site.sync("--json")
        assert (again.code, again.json["status"]) == (0, "no_changes")
        run = site.mailroster("history", "list", "--json").json["runs"][-1]["id"]
        told = site.mailroster("history", "show", run, "--json").json["changes"]
        assert told[0]["left_out"] == [{"address": "info@x.org", "holder": "b"}]

    def test_a_leaver_does_not_hold_others_up(self, site: Site, tmp_path: Path) -> None:
        site.set("auto_delete=false")
        assert site.lists(*FOUR[:2]).sync().code == 0
        site.lists(user("bert", "bert@example.com", "anna@example.com", fullName="Bert"))
        plan = str(tmp_path / "plan.json")
        assert site.mailroster("test", "--out", plan).code == 0
        done = site.mailroster("sync", "--plan", plan, "--yes")
        assert (done.code, "left out: anna@example.com (see anna)" in done.out) == (0, True)
        assert site.mailroster.users()["bert"]["full_name"] == "Bert"


def test_a_refused_name_of_a_whole_answer_is_cut(site: Site) -> None:
    done = site.lists(user("z" * 2_000_000), *FOUR).sync("--json")
    assert done.code == 13
    assert len(done.out) < 10_000
    folder = site.mailroster.store.parent
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 100_000
