"""What administrators of other tools suffer from, by name, against real HTTP servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from store.models import FilterRule, Settings, User
from sync.directory.connect import fetch
from sync.errors import CutOff, DirectoryError, GuardBlocked, NotJSON, Redirected, TimedOut
from sync.planning.plan import Answers, Plan
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.builders import lines
from tests.support.hostile_server import Behaviour, answer, hostile_server, raw, response

Fill = Callable[..., Workspace]
Record = dict[str, Any]
LOGIN_PAGE = "<!DOCTYPE html><title>Sign in</title><form action=/login></form>"


def person(name: str, number: int = 0, **more: Any) -> Record:
    return {
        "userName": name,
        "distinguishedName": f"CN={number or name}",
        "fullName": name.title(),
        "emailAddresses": [f"{number or name}@x.org"],
        **more,
    }


STAFF = [person(f"user{number:02}") for number in range(40)]


def people(*records: Record) -> Behaviour:
    return answer(json.dumps(records))


def asked(workspace: Workspace, behaviour: Behaviour, **answers: Any) -> Plan:
    """Ask a server that behaves like this, and plan."""
    with hostile_server(behaviour) as server:
        settings = replace(workspace.snapshot().settings, url=server.url)
        listing = asyncio.run(fetch(workspace, settings))
    return preview(workspace, listing, answers=Answers.of(**answers))


def content(workspace: Workspace) -> bytes:
    return workspace.host_path.read_bytes()


@pytest.fixture
def staffed(fill: Fill) -> Workspace:
    """Forty people who came by a sync, all with mail."""
    workspace = fill(
        User(user_name="root", privileges=["admin"], password_hash="$2b$x"),
        settings=Settings(
            directory_service="application_integration", url="http://x.org/", auto_delete=True
        ),
    )
    apply_plan(workspace, asked(workspace, people(*STAFF)))
    archives = workspace.archives(workspace.snapshot().settings)
    for record in STAFF:
        (archives.path(record["userName"]) / "new" / "1").write_text(record["userName"])
    return workspace


class TestAnOutageReadAsEveryoneLeft:
    @pytest.mark.parametrize("confirmed", [None, 40])
    def test_an_empty_list(self, staffed: Workspace, confirmed: int | None) -> None:
        before = content(staffed)
        plan = asked(staffed, people())
        assert plan.changes == ()
        with pytest.raises(GuardBlocked, match="listed no users at all"):
            apply_plan(staffed, plan, allow_deletes=confirmed)
        assert content(staffed) == before

    def test_half_a_list(self, staffed: Workspace) -> None:
        before = content(staffed)
        plan = asked(staffed, people(*STAFF[:20]))
        with pytest.raises(GuardBlocked) as blocked:
            apply_plan(staffed, plan)
        for figure in (
            "20 deletions are more than 10 % of the 40 managed users",
            "The directory lists 20 users, at least 20 % fewer than the 40 at the last sync",
        ):
            assert figure in str(blocked.value)
        assert content(staffed) == before

    def test_the_control_one_person_left(self, staffed: Workspace) -> None:
        plan = asked(staffed, people(*STAFF[1:]))
        assert [change.user_name for change in apply_plan(staffed, plan).applied] == ["user00"]

    @pytest.mark.parametrize(
        ("behaviour", "error"),
        [
            (answer(LOGIN_PAGE, Content_Type="text/html"), NotJSON),
            (answer(json.dumps(LOGIN_PAGE)), DirectoryError),
            (answer("{}"), DirectoryError),
            (answer("null"), DirectoryError),
            (answer("", "302 Found", Location="/login"), Redirected),
            (answer("", "307 Temporary Redirect", Location="http://elsewhere/"), Redirected),
        ],
    )
    def test_a_login_page_and_a_redirect(
        self, staffed: Workspace, behaviour: Behaviour, error: type[DirectoryError]
    ) -> None:
        with pytest.raises(error, match="Nothing was changed"):
            asked(staffed, behaviour)

    def test_cut_off_at_every_byte(self, staffed: Workspace) -> None:
        body = json.dumps([person("anna"), person("bert")]).encode()
        announced = str(len(body))
        places = iter(range(len(body)))
        with hostile_server(
            lambda peer: peer.send(response(body[: next(places)], Content_Length=announced))
        ) as server:
            settings = replace(staffed.snapshot().settings, url=server.url)
            for _ in range(len(body)):
                with pytest.raises(CutOff):
                    asyncio.run(fetch(staffed, settings))

    def test_cut_off_at_every_byte_and_unannounced(self, staffed: Workspace) -> None:
        body = json.dumps([person("anna"), person("bert")]).encode()
        places = iter(range(len(body)))
        with hostile_server(lambda peer: peer.send(response(body[: next(places)]))) as server:
            settings = replace(staffed.snapshot().settings, url=server.url)
            for _ in range(len(body)):
                with pytest.raises(DirectoryError):
                    asyncio.run(fetch(staffed, settings))

    def test_a_slow_drip_of_bytes(self, staffed: Workspace) -> None:
        body = response(json.dumps(STAFF).encode())
        with hostile_server(lambda peer: peer.drip(body, 0.05)) as server:
            settings = replace(staffed.snapshot().settings, url=server.url, list_timeout=1)
            with pytest.raises(TimedOut):
                asyncio.run(fetch(staffed, settings))

    def test_nonsense_in_the_place_of_a_record_keeps_everybody(self, staffed: Workspace) -> None:
        plan = asked(staffed, answer(json.dumps([*STAFF[1:], "half a record"])))
        assert lines(plan) == ["conflict (record without a user name)"]


def test_people_vanishing_a_few_at_a_time(staffed: Workspace) -> None:
    apply_plan(staffed, asked(staffed, people(*STAFF[3:])))
    before = content(staffed)
    plan = asked(staffed, people(*STAFF[6:]))
    with pytest.raises(GuardBlocked, match="6 with those of the last 24 hours"):
        apply_plan(staffed, plan)
    assert content(staffed) == before


def test_a_filter_edit_that_wipes_users(staffed: Workspace) -> None:
    from sync.configure import configure

    rule = FilterRule(action="include", field="email_domain", pattern="x.com")
    configure(staffed, {"filters": [rule.to_stored()]})
    plan = asked(staffed, people(*STAFF))
    assert {change.reason for change in plan.changes} == {
        "out of the filters' scope, which changed since the last sync"
    }
    with pytest.raises(GuardBlocked, match="All 40 managed users would be deleted"):
        apply_plan(staffed, plan)


def test_a_rename_that_becomes_delete_and_create(staffed: Workspace) -> None:
    renamed = {**STAFF[0], "userName": "married"}
    plan = asked(staffed, people(*STAFF[1:], renamed))
    assert lines(plan) == ["rename married"]
    assert apply_plan(staffed, plan).applied == ()
    apply_plan(staffed, asked(staffed, people(*STAFF[1:], renamed), rename=["married"]))
    archives = staffed.archives(staffed.snapshot().settings)
    assert (archives.path("married") / "new" / "1").read_text() == "user00"
    assert staffed.snapshot().find("user00") is None


def test_a_reused_address_that_stops_everything(staffed: Workspace) -> None:
    reused = {**person("newcomer", 99), "emailAddresses": STAFF[0]["emailAddresses"]}
    plan = asked(staffed, people(*STAFF, reused, person("other", 98)))
    assert lines(plan) == ["create newcomer", "create other"]
    assert [item.holder for item in plan.changes[0].left_out] == ["user00"]
    assert len(apply_plan(staffed, plan).applied) == 2


def test_a_dry_run_that_showed_something_else(staffed: Workspace) -> None:
    plan = asked(staffed, people(*STAFF[1:], person("new", 77)))
    result = apply_plan(staffed, plan)
    assert [(c.action, c.user_name, c.fields) for c in result.applied] == [
        (c.action, c.user_name, c.fields) for c in plan.changes
    ]
    run = staffed.store.run(plan.id)
    assert [(c["action"], c["user_name"]) for c in run.changes] == [
        (c.action, c.user_name) for c in plan.changes
    ]


def test_no_way_back(staffed: Workspace) -> None:
    before = {key: row["email_addresses"] for key, row in staffed.snapshot().users.items()}
    plan = asked(staffed, people(*STAFF[20:]))
    run = apply_plan(staffed, plan, allow_deletes=20).run
    assert run
    assert len(staffed.snapshot().users) == 21
    apply_plan(staffed, undo_preview(staffed, run))
    after = staffed.snapshot()
    assert {key: row["email_addresses"] for key, row in after.users.items()} == before
    archives = staffed.archives(after.settings)
    assert (archives.path("user00") / "new" / "1").read_text() == "user00"
    assert asked(staffed, people(*STAFF[20:])).counts["delete"] == 0  # pinned


class TestPassedOn:
    def test_swapped_names(self, staffed: Workspace) -> None:
        one, two = STAFF[0], STAFF[1]
        swapped = [
            {**one, "userName": two["userName"]},
            {**two, "userName": one["userName"]},
            *STAFF[2:],
        ]
        plan = asked(staffed, people(*swapped))
        assert lines(plan) == ["rename user00", "rename user01"]
        apply_plan(staffed, asked(staffed, people(*swapped), rename=["user00", "user01"]))
        archives = staffed.archives(staffed.snapshot().settings)
        assert (archives.path("user00") / "new" / "1").read_text() == "user01"
        assert lines(asked(staffed, people(*swapped))) == []

    def test_swapped_addresses(self, staffed: Workspace) -> None:
        one, two = STAFF[0], STAFF[1]
        swapped = [
            {**one, "emailAddresses": two["emailAddresses"]},
            {**two, "emailAddresses": one["emailAddresses"]},
            *STAFF[2:],
        ]
        plan = asked(staffed, people(*swapped))
        assert lines(plan) == ["update user00", "update user01"]
        assert len(apply_plan(staffed, plan).applied) == 2
        assert lines(asked(staffed, people(*swapped))) == []

    def test_two_directories_one_after_the_other(self, staffed: Workspace) -> None:
        others = [person(f"other{number:02}", 100 + number) for number in range(40)]
        plan = asked(staffed, people(*others))
        assert (plan.counts["create"], plan.counts["delete"]) == (40, 40)
        with pytest.raises(GuardBlocked, match="All 40 managed users"):
            apply_plan(staffed, plan)
        assert len(apply_plan(staffed, plan, hold_deletes=True).applied) == 40
        assert len(staffed.snapshot().users) == 81
        back = asked(staffed, people(*STAFF))
        assert back.counts["delete"] == 40
        with pytest.raises(GuardBlocked):
            apply_plan(staffed, back)


def test_a_body_without_an_answer(staffed: Workspace) -> None:
    with pytest.raises(DirectoryError):
        asked(staffed, raw(b""))
