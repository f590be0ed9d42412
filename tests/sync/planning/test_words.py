"""What a plan says: numbers and nouns agree, what looks equal is told apart, texts stay short."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from store.interface import Batch, Edit
from store.models import Settings, User
from sync.directory.listing import Listing
from sync.planning.guard import Past, guard_blocks
from sync.planning.plan import Answers
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.report import change_lines, run_record, summary
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, listed, managed, plan_for
from tui.widgets.changes import counts_text

COMPOSED, DECOMPOSED = "M\u00fcller", "Mu\u0308ller"
GONE = managed("anna", distinguished_name="CN=Anna")
BACK = {"userName": "anna.berg", "distinguishedName": "CN=Anna"}
JOHN = managed("jsmith", full_name="John", distinguished_name="CN=John")
JANE = {"userName": "jsmith", "fullName": "Jane", "distinguishedName": "CN=Jane"}


@pytest.mark.parametrize(
    ("managed", "deletes", "past", "words"),
    [
        (1, 1, 0, "The only managed user would be deleted."),
        (2, 2, 0, "All 2 managed users would be deleted."),
        (1, 1, 0, "1 deletion is more than 10 % of the 1 managed user "),
        (2, 1, 0, "1 deletion is more than 10 % of the 2 managed users "),
        (1, 1, 0, "1 deletion exceeds the limit of 0 "),
        (9, 1, 1, "1 deletion, 2 with those of the last 24 hours, exceed the limit of 0 "),
    ],
)
def test_the_guard_counts_in_singular_and_plural(
    managed: int, deletes: int, past: int, words: str
) -> None:
    strict = Settings(guard_max_deletes=0, guard_small_deletes=0)
    blocks = guard_blocks(strict, listed=5, managed=managed, deletes=deletes, past=Past(None, past))
    sentences = [block.sentence for block in blocks]
    assert any(sentence.startswith(words) for sentence in sentences), sentences


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (11, "“anna”: 1 more address was dropped."),
        (12, "“anna”: 2 more addresses were dropped."),
    ],
)
def test_dropped_addresses_are_counted(bad: int, words: str) -> None:
    found = Listing.unread([{"userName": "anna", "emailAddresses": ["no address"] * bad}])
    assert found.warnings[-1] == words


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (1001, "1 more warning like these."),
        (1002, "2 more warnings like these."),
    ],
)
def test_warnings_are_counted(bad: int, words: str) -> None:
    found = Listing.unread([{"userName": f"u{n}", "fullName": 5} for n in range(bad)])
    assert found.warnings[-1] == words


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ({"email_addresses": ["A@x.org"]}, {"addresses": ["a@x.org"]}, "spelling of the e-mail"),
        ({"email_addresses": ["a@X.org"]}, {"addresses": ["a@x.ORG"]}, "spelling of the e-mail"),
        (
            {"email_addresses": [f"{COMPOSED}@x.org"]},
            {"addresses": [f"{DECOMPOSED}@x.org"]},
            "spelling of the e-mail",
        ),
        (
            {"email_addresses": ["i@münchen.example"]},
            {"addresses": ["i@xn--mnchen-3ya.example"]},
            "spelling of the e-mail",
        ),
        ({"email_addresses": ["a@x.org"]}, {"addresses": ["b@x.org"]}, "e-mail addresses changed"),
        (
            {"email_addresses": ["a@x.org", "b@x.org"]},
            {"addresses": ["b@x.org", "a@x.org"]},
            "e-mail addresses changed",
        ),
        (
            {"distinguished_name": "CN=A,DC=x"},
            {"dn": "cn=a, dc=X"},
            "spelling of the distinguished",
        ),
        ({"distinguished_name": "CN=A,DC=x"}, {"dn": "CN=B,DC=x"}, "distinguished name changed"),
        ({"distinguished_name": "CN=A,DC=x"}, {}, "distinguished name changed"),
        ({"full_name": "A"}, {"full": "a"}, "full name changed"),
    ],
)
def test_what_changes_its_spelling_alone_follows_the_directory_and_is_told_so(
    before: dict[str, Any], now: dict[str, Any], reason: str
) -> None:
    """As names do: what is stored is what the directory has, letter for letter."""
    record = listed("anna", *now.pop("addresses", ()), **now)
    (change,) = plan_for([managed("anna", **before)], answer(record)).changes
    assert (change.action, change.reason.startswith(reason)) == ("update", True), change.reason


def test_records_that_look_the_same_read_differently() -> None:
    plan = plan_for([], answer(listed(COMPOSED), listed(DECOMPOSED)))
    reasons = [change.reason for change in plan.changes]
    assert "here M\\xfcller" in reasons[0]
    assert "here Mu\\u0308ller" in reasons[1]


def test_values_that_look_the_same_read_differently() -> None:
    plan = plan_for([managed(COMPOSED)], answer(listed(DECOMPOSED)))
    assert "      user name: M\\xfcller -> Mu\\u0308ller" in list(change_lines(plan.changes[0]))
    plan = plan_for([managed("anna", full_name="A")], answer(listed("anna", full=COMPOSED)))
    assert f"      full name: A -> {COMPOSED}" in list(change_lines(plan.changes[0]))


def test_a_name_that_is_listed_very_often_is_told_in_short() -> None:
    plan = plan_for([User(user_name="x")], answer(*(listed("anna") for _ in range(5_000))))
    assert plan.counts["conflict"] == 5_000
    assert "this name 5000 times" in plan.changes[0].reason
    assert max(len(change.reason) for change in plan.changes) < 500


IDS_LISTED = [{"userName": name, "id": name} for name in ("anna", "bert", "carla")]


@pytest.mark.parametrize(
    ("users", "records", "answers", "shown", "counts"),
    [
        ([GONE], [BACK], {}, ["? 1 question"], {"rename": 1}),
        ([GONE], [BACK], {"rename": ["anna.berg"]}, ["> 1 rename"], {"rename": 1}),
        ([GONE], [BACK], {"separate": ["anna.berg"]}, ["+ 1 create", "- 1 delete"], {"create": 1}),
        ([JOHN], [JANE], {}, ["? 1 question"], {"return": 1, "update": 0}),
        ([JOHN], [JANE], {"same": ["jsmith"]}, ["~ 1 update"], {"return": 0, "update": 1}),
        ([User(user_name="bert")], [{"userName": "bert"}], {}, ["! 1 conflict"], {"conflict": 1}),
        (
            [managed("anna"), managed("bert")],
            IDS_LISTED,
            {},
            ["+ 1 create", "? 1 question about ids"],
            {"create": 1, "update": 0},
        ),
        (
            [managed("anna"), managed("bert")],
            IDS_LISTED,
            {"take_ids": True},
            ["+ 1 create", "~ 2 update"],
            {"create": 1, "update": 2},
        ),
    ],
)
def test_a_summary_counts_what_is_done_apart_from_what_is_asked(
    workspace: Workspace,
    users: list[User],
    records: list[Any],
    answers: dict[str, Any],
    shown: list[str],
    counts: dict[str, int],
) -> None:
    """In the preview, in its JSON, and in the history where something was written."""
    workspace.store.apply(Batch([Edit.create(user) for user in users], settings=AUTO_DELETE))
    plan = preview(workspace, Listing.unread(records), answers=Answers.of(**answers))
    kinds = [f"{kind.sign} {kind.number} {kind.word}" for kind in summary(plan.changes)]
    assert kinds == shown
    assert counts_text(plan.changes).plain == "  ".join(shown)
    told = run_record("", 0, plan.changes)["counts"]
    assert {name: told[name] for name in counts} == counts == {n: plan.counts[n] for n in counts}
    if run := apply_plan(workspace, plan, allow_deletes=len(plan.of("delete"))).run:
        kept = workspace.store.run(run).summary.counts
        done = Counter(change.action for change in plan.changes if change.edit)
        assert {name: kept[name] for name in done} == done
        assert kept["question"] == sum(change.asks not in (None, "link") for change in plan.changes)
