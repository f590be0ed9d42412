"""Who may be somebody known under a new name, as a table."""

from __future__ import annotations

from store.models import User
from sync.planning.plan import Answers
from tests.support.builders import listed, managed
from tests.support.cases import Case, each_of

A = managed("a", email_addresses=["a@x.org"])
BOTH_SEPARATE = Answers.of(separate=["b", "c"])


def with_dn(name: str, dn: str | None, *addresses: str) -> User:
    return managed(name, distinguished_name=dn, email_addresses=list(addresses))


def chain(answers: Answers, plan: list[str]) -> Case:
    """a, b and c, each of whom may have come under the next name."""
    return Case(
        [with_dn("a", "CN=1"), with_dn("b", "CN=2"), with_dn("c", "CN=3")],
        [listed("b", dn="CN=1"), listed("c", dn="CN=2"), listed("d", dn="CN=3")],
        plan,
        answers,
    )


def passed_on(stored_dn: str | None, listed_dn: str | None, address: str, plan: list[str]) -> Case:
    """`a` is gone, and `b`, who had another address, is listed with this one."""
    return Case([A, with_dn("b", stored_dn, "b@x.org")], [listed("b", address, dn=listed_dn)], plan)


CASES = {
    "who began a chain is held back with who ends it": chain(BOTH_SEPARATE, ["rename d?"]),
    "and goes once all of it is answered": chain(
        Answers.of(separate=["b", "c", "d"]), ["create d", "update b", "update c", "delete a"]
    ),
    "of a chain nobody is held by an answered rename": chain(
        Answers.of(rename=["d"], separate=["b", "c"]),
        ["create c", "update b", "delete a", "rename d"],
    ),
    "a distinguished name that is stored only": passed_on("CN=2", None, "a@x.org", ["rename b?"]),
    "one that is listed only": passed_on(None, "CN=2", "a@x.org", ["rename b?"]),
    "none at all": passed_on(None, None, "a@x.org", ["rename b?"]),
    "the address in other case": passed_on(None, "CN=2", "A@X.org", ["rename b?"]),
    "the same distinguished name": passed_on(
        "CN=2", "cn=2", "a@x.org", ["update b", "delete a"]
    ),
    "an address of nobody": passed_on(None, None, "c@x.org", ["update b", "delete a"]),
    "addresses that go round in a ring": Case(
        [managed(name, email_addresses=[f"{n}@x.org"]) for n, name in enumerate("abc")],
        [listed("b", "0@x.org", "2@x.org"), listed("c", "1@x.org")],
        ["rename b?", "rename c?"],
    ),
    "one of several addresses that stays": Case(
        [A, managed("b", email_addresses=["b@x.org", "c@x.org"])],
        [listed("b", "a@x.org", "C@x.org")],
        ["update b", "delete a"],
    ),
    "the first distinguished name": Case(
        [with_dn("a", None), with_dn("gone", "CN=9")],
        [listed("a", dn="CN=1")],
        ["update a", "delete gone"],
    ),
    "the same one in other case": Case(
        [with_dn("a", "CN=1"), with_dn("gone", "CN=9")],
        [listed("a", dn="cn=1")],
        ["update a", "delete gone"],
    ),
    "one that vanished": Case(
        [with_dn("a", "CN=1"), with_dn("gone", "CN=9")],
        [listed("a", full="A")],
        ["update a", "delete gone"],
    ),
    "a new name with the distinguished name of one who stays": Case(
        [with_dn("a", "CN=1")],
        [listed("a", dn="cn=1"), listed("z", dn="CN=1")],
        ["create z", "update a"],
    ),
    "another one, and the address of who is gone": Case(
        [A, with_dn("b", "CN=2")],
        [listed("b", "a@x.org", dn="CN=5")],
        ["update b", "delete a"],
    ),
    "another one, of nobody": Case(
        [with_dn("a", "CN=1"), with_dn("gone", "CN=9")],
        [listed("a", dn="CN=5")],
        ["update a", "delete gone"],
    ),
    "another one, of who is gone": Case(
        [with_dn("a", "CN=1"), with_dn("gone", "CN=9")],
        [listed("a", dn="CN=9")],
        ["rename a?"],
    ),
    "an address that changed, and an unrelated leaver": Case(
        [A, managed("gone", email_addresses=["g@x.org"])],
        [listed("a", "new@x.org")],
        ["update a", "delete gone"],
    ),
    "an address that went to somebody new, and an unrelated leaver": Case(
        [A, managed("gone", email_addresses=["g@x.org"])],
        [listed("a", "new@x.org"), listed("z", "a@x.org")],
        ["create z", "update a", "delete gone"],
    ),
    "an answer in any spelling": Case(
        [with_dn("bert", "CN=1")], [listed("Anna", dn="CN=1")], ["rename Anna"],
        Answers.of(rename=["ANNA"]),
    ),
    "an answer about a plain create": Case(
        [managed("b")], [listed("a"), listed("b")], ["create a"],
        Answers.of(rename=["a"]),
        warnings=("No question is about renaming “a”.",),
    ),
    "that it is separate, of a plain create": Case(
        [managed("b")], [listed("a"), listed("b")], ["create a"],
        Answers.of(separate=["a"]),
        warnings=("No question is about renaming “a”.",),
    ),
}  # fmt: skip


@each_of(CASES)
def test_who_may_be_somebody_known(case: Case) -> None:
    case.check()
