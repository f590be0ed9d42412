"""What becomes of each record, and of whom is not listed, as a table."""

from __future__ import annotations

from dataclasses import replace

from store.models import User
from sync.directory.listing import InvalidRecord
from sync.planning.plan import Answers
from tests.support.builders import HERE, KEEP, known, listed, managed, unknown
from tests.support.cases import Case, each_of

ROOT = User(user_name="root", privileges=["admin"], password_hash="x")
LOCAL = User(user_name="anna", full_name="A", privileges=["export"], password_hash="x")
DOMAIN = "include email_domain x.org"


def bad(name: str | None, *addresses: str) -> InvalidRecord:
    return InvalidRecord(name, "bad", None, [*addresses])


CASES = {
    # links
    "a local user is linked": Case(
        [LOCAL, ROOT], [listed("anna", full="Anna")], ["update anna"], Answers.of(link=["ANNA"])
    ),
    "one of whom nothing differs, too": Case(
        [LOCAL, ROOT], [listed("anna", full="A")], ["update anna"], Answers.of(link=["anna"])
    ),
    "unanswered it is asked": Case([LOCAL, ROOT], [listed("anna")], ["conflict anna?"]),
    "the last administrator is not linked": Case(
        [ROOT], [listed("root")], ["conflict root"], Answers.of(link=["root"])
    ),
    "what the last one cannot have is a rival's": Case(
        [ROOT, managed("a")], [listed("root", "x@x.org"), listed("a", "x@x.org", full="A")],
        ["update a without x@x.org of root", "conflict root"], Answers.of(link=["root"]),
        warnings=("“a”: the address “x@x.org” is left out, because “root” has it",),
    ),
    "without an address that somebody has": Case(
        [LOCAL, ROOT, replace(ROOT, user_name="bert", email_addresses=["b@x.org"])],
        [listed("anna", "a@x.org", "b@x.org")], ["update anna without b@x.org of bert"],
        Answers.of(link=["anna"]),
        warnings=("“anna”: the address “b@x.org” is left out, because “bert” has it",),
    ),
    "one of two is": Case(
        [ROOT, replace(ROOT, user_name="two")], [listed("root")], ["update root"],
        Answers.of(link=["root"]),
    ),
    "who is not listed cannot be linked": Case(
        [LOCAL, ROOT, managed("bert")], [listed("bert")], [],
        Answers.of(link=["zoe", "anna", "bert"]),
        warnings=("The directory does not list “anna”, “zoe”: nothing to link.",),
    ),
    "who is linked already needs no word": Case(
        [managed("bert")], [listed("bert")], [], Answers.of(link=["bert"])
    ),
    "a new name cannot be linked, it is created": Case(
        [], [listed("anna")], ["create anna"], Answers.of(link=["anna"])
    ),
    # refused records
    "a refused record": Case([], [bad("a/")], ["conflict a/"]),
    "whom a skip rule leaves alone is not told": Case(
        [], [bad("a/"), bad("b/")], ["conflict b/"], rules="skip user_name a*"
    ),
    "by an address": Case(
        [], [bad("a/", "a@x.org"), bad("b/", "b@y.org")], ["conflict b/"],
        rules="skip email_domain x.org",
    ),
    "by the distinguished name": Case(
        [], [InvalidRecord("a/", "bad", "CN=1", []), InvalidRecord("b/", "bad", "CN=2", [])],
        ["conflict b/"], rules="skip distinguished_name cn=1",
    ),
    "one without a name is told": Case(
        [], [bad(None)], ["conflict (record without a user name)"], rules="skip user_name *"
    ),
    "one that a filter excludes is told": Case(
        [], [bad("a/")], ["conflict a/"], rules="exclude user_name a*"
    ),
    # names
    "the reserved name before the local user of it": Case(
        [replace(ROOT, user_name="admin"), ROOT], [listed("Admin")], ["conflict Admin"],
        Answers.of(link=["admin"]),
    ),
    "a repeated name before the reserved one": Case(
        [], [listed("admin"), listed("Admin")], ["conflict admin", "conflict Admin"]
    ),
    "of names out of scope nothing is told": Case(
        [], [listed("admin"), listed("a"), listed("A"), listed("b")], ["create b"],
        rules="exclude user_name a*",
    ),
    # fields that cannot be read
    "what a filter asks for and is not stored": Case(
        [], [unknown("a", "email_addresses")], ["conflict a"], rules=DOMAIN
    ),
    "what is stored tells": Case(
        [managed("a", email_addresses=["a@x.org"])], [unknown("a", "email_addresses", full="A")],
        ["update a"], rules=DOMAIN,
    ),
    "also that it is out of scope; then nobody goes": Case(
        [managed("a", email_addresses=["a@y.org"])], [unknown("a", "email_addresses", full="A")],
        ["conflict a"], rules=DOMAIN,
    ),
    "what no filter asks for": Case(
        [managed("a")], [unknown("a", "full_name", addresses=["a@x.org"])], ["update a"],
        rules=DOMAIN,
    ),
    "a skip rule that asks for it": Case(
        [managed("a", email_addresses=["a@y.org"])], [unknown("a", "email_addresses", full="A")],
        ["conflict a"], rules="skip email_domain x.org",
    ),
    "a skip rule that what is stored meets": Case(
        [managed("a", email_addresses=["a@x.org"])], [unknown("a", "email_addresses", full="A")],
        [], rules="skip email_domain x.org",
    ),
    "one's stored values are found by the id": Case(
        [known("a", "1", email_addresses=["a@x.org"])],
        [unknown("n", "email_addresses", stable_id="1")],
        ["rename n"], rules=DOMAIN,
    ),
    # ids
    "another id, in scope": Case(
        [known("a", "1")], [listed("a", stable_id="2")], ["return a?", "update a"]
    ),
    "another id, skipped": Case(
        [known("a", "1")], [listed("a", stable_id="2")], [], rules="skip user_name a"
    ),
    "another id, and a filter cannot tell": Case(
        [known("a", "1")], [unknown("a", "email_addresses", stable_id="2")],
        ["update a", "conflict a"], rules=DOMAIN,
    ),
    "another id of a local user, and a filter cannot tell": Case(
        [replace(LOCAL, directory_id="1", directory=HERE)],
        [unknown("anna", "email_addresses", stable_id="2")],
        ["conflict anna"], rules=DOMAIN,
    ),
    "the id of who stays, under the name of another": Case(
        [known("a", "1"), known("b", "2")], [listed("b", stable_id="1"), listed("c")],
        ["create c", "update b", "conflict b"],
    ),
    "the same under a local user's": Case(
        [known("a", "1"), LOCAL], [listed("anna", stable_id="1"), listed("c")],
        ["create c", "conflict anna"],
    ),
    "a rename by the id that is answered otherwise": Case(
        [known("a", "1"), known("b", "2")], [listed("n", stable_id="1")],
        ["delete b", "rename n"], Answers.of(separate=["n"]),
        warnings=("No question is about renaming “n”.",),
    ),
    "a rename by the id beside an answer that somebody else came": Case(
        [known("a", "1"), known("b", "2")], [listed("n", stable_id="1")],
        ["delete b", "rename n"], Answers.of(rename_from=[("b", "n")]),
        warnings=("No question is about renaming “n”.",),
    ),
    "a rename by the id out of scope": Case(
        [known("a", "1"), known("b", "2")], [listed("n", stable_id="1")],
        ["delete a", "delete b"], rules="exclude user_name n",
    ),
    "two names of others, whose own ids are listed nowhere": Case(
        [known("a", "1"), known("b", "2")],
        [listed("a", full="A", stable_id="3"), listed("b", full="B", stable_id="4")],
        ["return a?", "return b?", "update a", "update b"],
    ),
    "two of whom everything but the name is another's": Case(
        [managed(n, full_name=n, distinguished_name=f"CN={n}") for n in "ab"],
        [listed("a", full="C", dn="CN=c"), listed("b", full="D", dn="CN=d")],
        ["return a?", "return b?"],
    ),
    "the name of another, out of scope, is not given to somebody new": Case(
        [known("a", "1")], [listed("a", stable_id="2")], ["update a", "conflict a"],
        Answers.of(new=["a"]), rules="exclude user_name a", settings=KEEP,
        warnings=("Gone or out of scope, and kept because automatic deletion is off: “a”.",),
    ),
    "nobody is asked about records of whom the ids decide nothing": Case(
        [
            managed("a", distinguished_name="CN=1"), managed("b", distinguished_name="CN=2"),
            managed("c", distinguished_name="CN=3"), managed("d", distinguished_name="CN=4"),
            known("k", "5"),
        ],
        [
            listed("c", dn="CN=1", stable_id="9"), listed("d", dn="CN=2", stable_id="9"),
            listed("k", stable_id="5"),
        ],
        ["delete a", "delete b", "conflict c", "conflict d"],
    ),
    # rivals
    "all whom a refused record may be": Case(
        [], [listed("a", "1@x.org", "2@x.org", "3@x.org"), bad("b/", "1@x.org", "2@x.org"),
             bad("c/", "3@x.org")],
        [
            "create a without 1@x.org of b/ without 2@x.org of b/ without 3@x.org of c/",
            "conflict b/", "conflict c/",
        ],
        warnings=("“a”: the address “1@x.org”", "“a”: the address “2@x.org”",
                  "“a”: the address “3@x.org”"),
    ),
    "of a local namesake all addresses": Case(
        [User(user_name="b")],
        [listed("a", "1@x.org", "2@x.org"), listed("b", "1@x.org", "2@x.org")],
        ["create a without 1@x.org of b without 2@x.org of b", "conflict b?"],
        warnings=("“a”: the address “1@x.org”", "“a”: the address “2@x.org”"),
    ),
    "whose addresses cannot all be read, gets none now": Case(
        [managed("a")], [unknown("a", "email_addresses", addresses=["x@x.org"], full="A"),
                         listed("b", "x@x.org")],
        ["create b without x@x.org of a", "update a"],
        warnings=("“b”: the address “x@x.org” is left out, because “a” has it",),
    ),
    # deletions
    "without automatic deletion nobody goes, and renames are asked": Case(
        [managed("a", distinguished_name="CN=1"), managed("b")], [listed("n", dn="CN=1")],
        ["rename n?"], settings=KEEP, warnings=("Gone or out of scope, and kept because",),
    ),
    "and an answered one is written": Case(
        [managed("a", distinguished_name="CN=1"), managed("b")], [listed("n", dn="CN=1")],
        ["rename n"], Answers.of(rename=["n"]), settings=KEEP,
        warnings=("Gone or out of scope, and kept because",),
    ),
    "an empty answer": Case([managed("a")], [], []),
    # questions about names
    "an answer to a question that nobody asked": Case(
        [managed("a")], [listed("a"), listed("b")], ["create b"],
        Answers.of(same=["b"], new=["a"]),
        warnings=("No question asks who “a”, “b” is.",),
    ),
    "an answer that does not say whom": Case(
        [managed(n, distinguished_name="CN=1") for n in "ab"], [listed("n", dn="CN=1")],
        ["rename n?"], Answers.of(rename=["n"]),
        warnings=("“n” may be “a”, “b”; say which of them it is with --rename-from OLD NEW.",),
    ),
    "who is held keeps also what is new about them": Case(
        [managed("b", distinguished_name="CN=2")],
        [listed("b", dn="CN=9", full="New"), listed("c", dn="CN=2")], ["rename c?"],
    ),
}  # fmt: skip


@each_of(CASES)
def test_what_becomes_of_each(case: Case) -> None:
    case.check()
