"""Addresses and names that somebody cannot have, as a table, and how they are told."""

from __future__ import annotations

from typing import Any

import pytest

from store.models import Settings, User
from sync.directory.listing import InvalidRecord
from sync.planning.plan import Answers
from tests.support.builders import AUTO_DELETE, answer, listed, managed, plan_for
from tests.support.cases import Case, each_of, told

KEEP = Settings()
LOCAL = User(user_name="local", email_addresses=["L@x.org"])
LEFT_OUT = "“{}”: the address “{}” is left out, because “{}” has it or would get it too."


def mail(name: str, *addresses: str, **fields: Any) -> User:
    return managed(name, email_addresses=[*addresses], **fields)


CASES = {
    "an update of nothing but that is none": Case(
        [LOCAL, mail("a", "a@x.org")], [listed("a", "a@x.org", "l@x.org")], [],
        warnings=(LEFT_OUT.format("a", "l@x.org", "local"),),
    ),
    "what remains is written": Case(
        [LOCAL, mail("a", "a@x.org")], [listed("a", "b@x.org", "l@x.org", "c@x.org")],
        ["update a without l@x.org of local"],
        warnings=(LEFT_OUT.format("a", "l@x.org", "local"),),
    ),
    "one after the other, from two holders": Case(
        [LOCAL, User(user_name="other", email_addresses=["o@x.org"]), mail("a", "a@x.org")],
        [listed("a", "l@x.org", "o@x.org", "n@x.org")],
        ["update a without l@x.org of local without o@x.org of other"],
        warnings=(
            LEFT_OUT.format("a", "l@x.org", "local"), LEFT_OUT.format("a", "o@x.org", "other")
        ),
    ),
    "who keeps the own one by that keeps it from others": Case(
        [LOCAL, mail("a", "a@x.org"), mail("b", "b@x.org")],
        [listed("a", "l@x.org", full="A"), listed("b", "a@x.org", full="B")],
        ["update a without l@x.org of local", "update b without a@x.org of a"],
        warnings=(
            LEFT_OUT.format("a", "l@x.org", "local"), LEFT_OUT.format("b", "a@x.org", "a")
        ),
    ),
    "two steps leave two addresses out of one change": Case(
        [LOCAL, mail("a", "a@x.org"), mail("b", "b@x.org")],
        [listed("a", "l@x.org", full="A"), listed("b", "a@x.org", "L@x.org", full="B")],
        [
            "update a without l@x.org of local",
            "update b without L@x.org of local without a@x.org of a",
        ],
        warnings=(
            LEFT_OUT.format("a", "l@x.org", "local"),
            LEFT_OUT.format("b", "l@x.org", "local"),
            LEFT_OUT.format("b", "a@x.org", "a"),
        ),
    ),
    "a name that its user keeps is a conflict": Case(
        [managed("a", distinguished_name="CN=1"), managed("b", distinguished_name="CN=2")],
        [listed("b", dn="CN=1"), listed("a", dn="CN=2")],
        ["conflict a", "rename b?"], Answers.of(rename=["a"]),
    ),
    "whose name is a conflict keeps the address from others": Case(
        [
            mail("a", "a@x.org", distinguished_name="CN=1"),
            mail("b", "b@x.org", distinguished_name="CN=2"), managed("c"),
        ],
        [
            listed("b", dn="CN=1"), listed("a", "n@x.org", dn="CN=2"),
            listed("c", "b@x.org", full="C"),
        ],
        ["update c without b@x.org of b", "conflict a", "rename b?"], Answers.of(rename=["a"]),
        warnings=(LEFT_OUT.format("c", "b@x.org", "b"),),
    ),
    "one whose record cannot be used is a rival": Case(
        [], [listed("a", "x@x.org"), InvalidRecord("b/", "bad", None, ["X@x.org"])],
        ["create a without x@x.org of b/", "conflict b/"],
        warnings=(LEFT_OUT.format("a", "x@x.org", "b/"),),
    ),
    "so is one without a name": Case(
        [], [listed("a", "x@x.org"), InvalidRecord(None, "bad", None, ["X@x.org"])],
        ["create a without x@x.org of (record without a user name)",
         "conflict (record without a user name)"],
        warnings=(LEFT_OUT.format("a", "x@x.org", "(record without a user name)"),),
    ),
    "a holder goes before a rival": Case(
        [LOCAL],
        [
            listed("a", "l@x.org"), InvalidRecord("b/", "bad", None, ["l@x.org"]),
            listed("c", "L@x.org"),
        ],
        ["create a without l@x.org of local", "create c without L@x.org of local", "conflict b/"],
        warnings=(
            LEFT_OUT.format("a", "l@x.org", "local"), LEFT_OUT.format("c", "l@x.org", "local")
        ),
    ),
    "who is out of scope is no rival": Case(
        [], [listed("a", "x@x.org"), listed("b", "x@x.org")], ["create a"],
        rules="exclude user_name b",
    ),
    "who is as before is no rival to oneself": Case(
        [mail("a", "x@x.org")], [listed("a", "X@x.org", full="A")], ["update a"]
    ),
    "a local user of the name is one, who gets nothing": Case(
        [User(user_name="b")], [listed("a", "x@x.org"), listed("b", "x@x.org")],
        ["create a without x@x.org of b", "conflict b?"],
        warnings=(LEFT_OUT.format("a", "x@x.org", "b"),),
    ),
    "of a leaver who stays": Case(
        [mail("gone", "x@x.org"), managed("a")], [listed("a", "x@x.org", full="A")],
        ["update a without x@x.org of gone"], settings=KEEP,
        warnings=(
            "Gone or out of scope, and kept because automatic deletion is off:",
            LEFT_OUT.format("a", "x@x.org", "gone"),
        ),
    ),
    "of a leaver who goes": Case(
        [mail("gone", "x@x.org"), managed("a", distinguished_name="CN=1"), managed("c")],
        [listed("a", "x@x.org", full="A", dn="CN=1"), listed("c")], ["update a", "delete gone"],
    ),
}  # fmt: skip


@each_of(CASES)
def test_what_somebody_cannot_have(case: Case) -> None:
    case.check()


@pytest.mark.parametrize(("count", "last"), [(1000, None), (1001, 1), (1002, 2)])
def test_a_thousand_are_told_and_the_others_counted(count: int, last: int | None) -> None:
    addresses = [f"x{number}@x.org" for number in range(count)]
    local = User(user_name="local", email_addresses=addresses)
    plan = plan_for([local], answer(listed("a", *addresses)), AUTO_DELETE)
    assert len(plan.warnings) == min(count, 1001)
    assert plan.warnings[999].startswith("“a”: the address “x999@x.org” is left out")
    if last:
        told_last = "1 more address is" if last == 1 else f"{last} more addresses are"
        assert plan.warnings[1000] == f"{told_last} left out."
    assert len(told(plan)[0].split(" without ")) == count + 1
