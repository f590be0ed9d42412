"""Who stays although the plan had drafted a deletion, as a table, and how it is told."""

from __future__ import annotations

import pytest

from store.models import User
from sync.directory.listing import InvalidRecord
from sync.planning.plan import Answers
from tests.support.builders import answer, known, listed, managed, plan_for, unknown
from tests.support.cases import Case, each_of

SKIP = "skip user_name new"
MAY_BE = (
    ": gone, but not deleted, because a record that cannot be read in full may be the same "
    "person: {}. Correct it in the directory."
)


A = known("a", "1", distinguished_name="CN=1")


def dn(name: str, value: str) -> User:
    return managed(name, distinguished_name=value)


GONE = [dn("a", "CN=1"), dn("b", "CN=2"), managed("bert")]
CASES = {
    "skipped under a new name": Case(
        GONE, [listed("bert"), listed("new", dn="cn=1")], ["delete b"], rules=SKIP,
        warnings=("“a” is not deleted: may be “new”, whom a skip rule leaves alone.",),
    ),
    "skipped, and may be two": Case(
        [managed(name, email_addresses=[f"{name}@x.org"]) for name in "abc"],
        [listed("new", "b@x.org", "a@x.org")], ["delete c"], rules=SKIP,
        warnings=(
            "“b” is not deleted: may be “new”, whom a skip rule leaves alone.",
            "“a” is not deleted: may be “new”, whom a skip rule leaves alone.",
        ),
    ),
    "two are skipped who may be one": Case(
        GONE, [listed("bert"), listed("new", dn="cn=1"), listed("x", dn="CN=1")],
        ["delete b"], rules=f"{SKIP}; skip user_name x*",
        warnings=("“a” is not deleted: may be “new”, whom a skip rule leaves alone.",),
    ),
    "two are skipped who may be two": Case(
        GONE, [listed("bert"), listed("new", dn="cn=1"), listed("x", dn="CN=2")],
        [], rules=f"{SKIP}; skip user_name x*",
        warnings=(
            "“a” is not deleted: may be “new”, whom a skip rule leaves alone.",
            "“b” is not deleted: may be “x”, whom a skip rule leaves alone.",
        ),
    ),
    "a user here who is skipped is somebody else": Case(
        [*GONE, managed("new")], [listed("bert"), listed("new", dn="cn=1")],
        ["delete a", "delete b"], rules=SKIP,
    ),
    "the id under a name that a skip rule leaves alone": Case(
        [known("a", "1"), known("b", "2")], [listed("x"), listed("new", stable_id="1")],
        ["create x", "delete b"], rules=SKIP,
    ),
    "the id under a name of which nothing is decided": Case(
        [known("a", "1"), known("b", "2")],
        [listed("x", "x@x.org"), unknown("n", "email_addresses", stable_id="1")],
        ["create x", "delete b", "conflict n"], rules="include email_domain x.org",
    ),
    "the id under a name in scope is a rename": Case(
        [known("a", "1"), known("b", "2")], [listed("n", stable_id="1")],
        ["delete b", "rename n"],
    ),
    "the id under a name out of scope goes": Case(
        [known("a", "1"), known("b", "2")],
        [listed("n", stable_id="1"), listed("b", stable_id="2")],
        ["delete a"], rules="exclude user_name n",
    ),
    "the id with a name that cannot be used": Case(
        [known("a", "1"), known("b", "2")],
        [listed("b", stable_id="2"), InvalidRecord("n/", "bad", None, [], "1")], ["conflict n/"],
    ),
    "a name that cannot be used, and no id": Case(
        GONE, [listed("bert"), InvalidRecord("n/", "bad", "CN=2", [])],
        ["delete a", "conflict n/"],
        warnings=("“b”" + MAY_BE.format("“n/”"),),
    ),
    "two for one record are told in one sentence": Case(
        GONE, [listed("bert"), InvalidRecord(None, "bad", None, [])],
        ["conflict (record without a user name)"],
        warnings=("“a”, “b”" + MAY_BE.format("(record without a user name)"),),
    ),
    "two records are told in two": Case(
        GONE,
        [listed("bert"), InvalidRecord("x/", "bad", "CN=1", []),
         InvalidRecord("y/", "bad", "CN=2", [])],
        ["conflict x/", "conflict y/"],
        warnings=("“a”" + MAY_BE.format("“x/”"), "“b”" + MAY_BE.format("“y/”")),
    ),
    "a new name whose distinguished name cannot be read": Case(
        [dn("a", "CN=1"), managed("b")], [unknown("n", "distinguished_name")],
        ["create n", "delete b"],
        warnings=("“a”" + MAY_BE.format("“n”"),),
    ),
    "that is answered": Case(
        [dn("a", "CN=1"), managed("b")], [unknown("n", "distinguished_name")],
        ["create n", "delete a", "delete b"], Answers.of(separate=["n"]),
        warnings=("No question is about renaming “n”.",),
    ),
    "a known name, which stays as it is, too": Case(
        [dn("a", "CN=1"), dn("n", "CN=2")], [unknown("n", "distinguished_name", full="N")], [],
        warnings=("“a”" + MAY_BE.format("“n”"),),
    ),
    "a known name where nobody is gone": Case(
        [dn("n", "CN=2")], [unknown("n", "distinguished_name", full="N")], ["update n"]
    ),
    "what cannot be read of a skipped user but the id": Case(
        [dn("a", "CN=1"), managed("new")], [unknown("new", "distinguished_name")],
        ["delete a"], rules=SKIP,
    ),
    "what cannot be read of one but the id, where ids are known": Case(
        [A, managed("new")],
        [unknown("new", "distinguished_name")], ["delete a"], rules=SKIP,
    ),
    "two records for one, and one for another": Case(
        [dn("a", "CN=1"), managed("b", email_addresses=["b@x.org"]), dn("c", "CN=3")],
        [
            unknown("n", "distinguished_name"), InvalidRecord("x/", "bad", "CN=1", []),
            InvalidRecord("y/", "bad", None, ["b@x.org"]),
        ],
        ["create n", "conflict x/", "conflict y/"],
        warnings=(
            "“a”" + MAY_BE.format("“x/”"), "“b”" + MAY_BE.format("“y/”"),
            "“c”" + MAY_BE.format("“n”"),
        ),
    ),
    "two new names may be two": Case(
        [dn("a", "CN=1"), managed("b", email_addresses=["b@x.org"]), managed("c")],
        [unknown("n", "distinguished_name"), unknown("m", "email_addresses")],
        ["create m", "create n", "delete c"],
        warnings=("“a”" + MAY_BE.format("“n”"), "“b”" + MAY_BE.format("“m”")),
    ),
    "the id of a skipped user": Case(
        [known("a", "1"), managed("new")], [unknown("new", "id", "distinguished_name")],
        [], rules=SKIP, warnings=("“a”" + MAY_BE.format("“new”"),),
    ),
    "of a skipped name that nobody has": Case(
        [dn("a", "CN=1")], [unknown("new", "distinguished_name")], [], rules=SKIP,
        warnings=("“a”" + MAY_BE.format("“new”"),),
    ),
    "out of scope it tells nothing": Case(
        [dn("a", "CN=1"), managed("b")], [unknown("n", "distinguished_name"), listed("b")],
        ["delete a"], rules="exclude user_name n",
    ),
    "of a name that is listed twice each field counts": Case(
        [dn("a", "CN=1"), managed("b", email_addresses=["b@x.org"]), managed("c")],
        [unknown("n", "distinguished_name"), unknown("N", "email_addresses")],
        ["delete c", "conflict n", "conflict N"],
        warnings=("“a”, “b”" + MAY_BE.format("“N”"),),
    ),
    "the name of who may have come under a new one waits for its ids": Case(
        [A, dn("b", "CN=2"), managed("c")],
        [listed("a", dn="CN=1"), listed("b", dn="CN=9", stable_id="1"), listed("n", dn="CN=2")],
        ["delete c", "conflict b", "rename n?"],
    ),
    "that is answered with another person": Case(
        [A, dn("b", "CN=2")],
        [listed("a", dn="CN=1"), listed("b", dn="CN=9", stable_id="1"), listed("n", dn="CN=2")],
        ["create n", "conflict b"], Answers.of(separate=["n"]),
    ),
    "a local user's name waits for nobody": Case(
        [A, User(user_name="b", distinguished_name="CN=2")],
        [listed("a", dn="CN=1"), listed("b", dn="CN=9", stable_id="1"), listed("n", dn="CN=2")],
        ["create n", "conflict b"],
    ),
    "a new name of unknown scope, by what can be read": Case(
        [managed("a", email_addresses=["a@x.org"]), managed("b")],
        [unknown("n", "distinguished_name", addresses=["a@x.org"])],
        ["delete b", "conflict n"], rules="exclude distinguished_name *",
        warnings=("“a”" + MAY_BE.format("“n”"),),
    ),
    "a known name of unknown scope, by what can be read": Case(
        [dn("a", "CN=1"), dn("n", "CN=2"), managed("b")],
        [unknown("n", "email_addresses", dn="CN=1")],
        ["delete b", "conflict n"], rules="include email_domain x.org",
        warnings=("“a”" + MAY_BE.format("“n”"),),
    ),
    "two new names of unknown scope may be two": Case(
        [managed(name, email_addresses=[f"{name}@x.org"]) for name in "abc"],
        [
            unknown("n", "distinguished_name", addresses=["a@x.org"]),
            unknown("m", "distinguished_name", addresses=["b@x.org"]),
        ],
        ["delete c", "conflict m", "conflict n"], rules="exclude distinguished_name *",
        warnings=("“a”" + MAY_BE.format("“n”"), "“b”" + MAY_BE.format("“m”")),
    ),
    "a known name of unknown scope with what it had": Case(
        [dn("a", "CN=1"), dn("n", "CN=2"), managed("b")],
        [unknown("n", "email_addresses", dn="CN=2")],
        ["delete a", "delete b", "conflict n"], rules="include email_domain x.org",
    ),
    "a local user's name of unknown scope": Case(
        [dn("a", "CN=1"), User(user_name="n", distinguished_name="CN=2")],
        [unknown("n", "email_addresses", dn="CN=1")],
        ["delete a", "conflict n"], rules="include email_domain x.org",
    ),
    "by what can be read, but ids tell apart": Case(
        [known("a", "1", email_addresses=["a@x.org"])],
        [unknown("n", "distinguished_name", addresses=["a@x.org"], stable_id="9")],
        ["delete a", "conflict n"], rules="exclude distinguished_name *",
    ),
    "ids tell apart": Case(
        [known("a", "1", distinguished_name="CN=1")],
        [unknown("n", "distinguished_name", stable_id="9")],
        ["create n", "delete a"],
    ),
}  # fmt: skip


@each_of(CASES)
def test_who_stays(case: Case) -> None:
    case.check()


@pytest.mark.parametrize(
    ("count", "named", "more"), [(5, 5, ""), (6, 5, " and 1 more"), (8, 5, " and 3 more")]
)
def test_five_are_named(count: int, named: int, more: str) -> None:
    users = [managed(f"u{number}") for number in range(count)]
    plan = plan_for(users, answer(InvalidRecord(None, "bad", None, [])))
    names = ", ".join(f"“u{number}”" for number in range(named))
    assert plan.warnings == (f"{names}{more}{MAY_BE.format('(record without a user name)')}",)
