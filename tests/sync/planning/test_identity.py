"""The directory's ids: who is who, whatever the name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from store.interface import Snapshot
from store.models import INTEGRATED, FilterRule, Settings, User
from store.names import match_key
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.planning.identity import directory_of
from sync.planning.plan import IDS, Answers, Plan
from sync.planning.planner import make_plan
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed

HERE = directory_of(AUTO_DELETE)


def known(name: str, stable_id: str | None, **fields: Any) -> User:
    """A user to whom this directory gave that id."""
    return managed(name, directory_id=stable_id, directory=stable_id and HERE, **fields)


def planned(
    users: list[User],
    listing: Listing,
    settings: Settings = AUTO_DELETE,
    **answers: Any,
) -> Plan:
    rows: Any = {match_key(user.user_name): {**user.to_row(), "rev": 1} for user in users}
    snapshot = Snapshot("id", 1, settings, rows)
    return make_plan(snapshot, listing, lambda _: False, Answers.of(**answers))


def raw(*records: dict[str, Any]) -> Listing:
    """An answer whose records nobody has read yet, as it comes over the wire."""
    return Listing.unread(list(records))


ANNA, BERT = known("anna", "1"), known("bert", "2")
LOCAL = User(user_name="anna", authentication=INTEGRATED, directory_id="1", directory=HERE)


@pytest.mark.parametrize(
    ("users", "records", "expected"),
    [
        pytest.param([ANNA], [("anna", "1")], [], id="as it was"),
        pytest.param([ANNA], [("anna", None)], [], id="an id that is not listed is unknown"),
        pytest.param(
            [ANNA], [("anna.b", "1")], ["rename anna.b"], id="renamed, without a question"
        ),
        pytest.param(
            [ANNA], [("anna.b", None)], ["create anna.b", "delete anna"], id="renamed, no id"
        ),
        pytest.param([ANNA, BERT], [("anna", "2"), ("bert", "1")], ["rename anna", "rename bert"]),
        pytest.param(
            [ANNA],
            [("anna", "9"), ("anna.b", "1")],
            ["create anna", "rename anna.b"],
            id="the name went to somebody new",
        ),
        pytest.param(
            [ANNA],
            [("anna", "9")],
            ["return anna", "update anna"],
            id="another id is a question, and nobody logs on meanwhile",
        ),
        pytest.param(
            [ANNA, BERT],
            [("bert", "1")],
            ["update bert", "conflict bert"],
            id="the id of one under the name of another",
        ),
        pytest.param(
            [ANNA],
            [("anna", "1"), ("anna.b", "1")],
            ["conflict anna", "conflict anna.b"],
            id="listed twice",
        ),
        pytest.param(
            [ANNA],
            [("anna", None), ("anna.b", "1")],
            ["conflict anna.b"],
            id="the one whose id it is listed too, without one",
        ),
        pytest.param([LOCAL], [("anna.b", "1")], ["conflict anna.b"], id="the id of a local user"),
        pytest.param([LOCAL], [("anna", "1")], ["conflict anna"], id="a local user would get it"),
        pytest.param([known("admin", "1")], [("x", "1")], ["conflict x"], id="that of admin"),
        pytest.param(
            [ANNA, known("zoe", "1")], [("x", "1")], ["conflict x"], id="the id of two users here"
        ),
        pytest.param(
            [ANNA], [("an/na", "1")], ["conflict an/na"], id="a name that cannot be used, by its id"
        ),
        pytest.param(
            [ANNA, managed("bert")],
            [("anna", "1"), ("bert", "5")],
            ["update bert"],
            id="a straggler takes the id by name",
        ),
    ],
)
def test_who_is_who(
    users: list[User], records: list[tuple[str, str | None]], expected: list[str]
) -> None:
    bad = [InvalidRecord(n, "it is malformed", None, [], i) for n, i in records if "/" in n]
    usable = [listed(name, stable_id=i) for name, i in records if "/" not in name]
    assert sorted(lines(planned(users, answer(*usable, *bad)))) == sorted(expected)
    if not bad:
        wire = raw(*({"userName": n} | ({"id": i} if i else {}) for n, i in records))
        assert sorted(lines(planned(users, wire))) == sorted(expected)


def test_a_rename_by_the_id_keeps_the_user_and_the_id() -> None:
    anna = known("anna", "1", email_addresses=["a@x.org"], privileges=["login", "export"])
    plan = planned([anna], answer(listed("anna.b", "b@x.org", stable_id="1")))
    (change,) = plan.changes
    assert change.edit
    user = change.edit.user
    assert user
    assert (user.user_name, user.directory_id, user.directory) == ("anna.b", "1", HERE)
    assert (user.privileges, user.email_addresses) == (["login", "export"], ["b@x.org"])


def test_known_ids_tell_people_apart_who_share_an_address() -> None:
    anna = known("anna", "1", email_addresses=["info@x.org"])
    same = answer(listed("zoe", "info@x.org", stable_id="2"))
    assert lines(planned([anna], same)) == ["create zoe", "delete anna"]
    control = answer(listed("zoe", "info@x.org"))
    assert lines(planned([anna], control)) == ["rename zoe"]


def test_a_swap_that_a_filter_cuts_is_no_move() -> None:
    rule = FilterRule(action="exclude", field="user_name", pattern="anna.b")
    settings = replace(AUTO_DELETE, filters=(rule,))
    plan = planned([ANNA], answer(listed("anna.b", stable_id="1"), listed("x")), settings)
    assert lines(plan) == ["create x", "delete anna"]
    skip = replace(rule, action="skip")
    plan = planned(
        [ANNA],
        answer(listed("anna.b", stable_id="1"), listed("x")),
        replace(settings, filters=(skip,)),
    )
    assert lines(plan) == ["create x"]


class TestAnotherId:
    directory = answer(listed("anna", stable_id="9"))

    def test_log_ons_are_suspended_and_the_guard_counts_it(self) -> None:
        users = [known(f"u{number}", str(number)) for number in range(40)]
        swapped = answer(*(listed(f"u{number}", stable_id=f"x{number}") for number in range(40)))
        plan = planned(users, swapped, Settings(directory_service="none"))
        assert plan.counts["update"] == plan.counts["return"] == 40
        assert all(change.locks_out == (change.action == "update") for change in plan.changes)
        assert plan.guard[0] == "All 40 managed users would be deleted."

    @pytest.mark.parametrize(
        ("users", "records", "expected"),
        [
            pytest.param(
                [ANNA],
                [listed("bert", stable_id="1"), listed("anna", stable_id="9", dn="cn=9")],
                ["return anna", "update anna"],
                id="whose own record is out of scope",
            ),
            pytest.param(
                [ANNA, BERT],
                [listed("bert", stable_id="1"), listed("anna", stable_id="2", dn="cn=2")],
                ["conflict anna", "update anna", "update bert"],
                id="whose name goes to somebody known, but not yet",
            ),
            pytest.param(
                [ANNA],
                [listed("anna", stable_id="9")],
                ["return anna", "update anna"],
                id="whose name is out of scope",
            ),
            pytest.param(
                [known("Admin", "1")],
                [listed("Admin", stable_id="9", dn="cn=9")],
                ["conflict Admin"],
                id="but for the reserved name, which a sync never changes",
            ),
            pytest.param(
                [known("bert", "5"), LOCAL],
                [listed("bert", stable_id="1", dn="cn=1")],
                ["conflict bert", "update bert"],
                id="with the id of a local user",
            ),
        ],
    )
    def test_nobody_else_gets_in_under_the_name_of_a_user(
        self, users: list[User], records: list[DirectoryUser], expected: list[str]
    ) -> None:
        rule = FilterRule(action="include", field="distinguished_name", pattern="*")
        plan = planned(users, answer(*records), Settings(directory_service="none", filters=(rule,)))
        assert sorted(lines(plan)) == expected
        assert all(change.locks_out for change in plan.of("update"))

    @pytest.mark.parametrize("answer_given", [{}, {"same": ["anna"]}, {"new": ["anna"]}])
    @pytest.mark.parametrize(
        "records",
        [
            (listed("dora", stable_id="1"), listed("anna", stable_id="9")),
            (listed("anna", stable_id="9"), InvalidRecord("../x", "bad", None, [], id="1")),
        ],
    )
    def test_whose_own_id_is_listed_elsewhere_is_in_no_question(
        self, records: tuple[Any, ...], answer_given: dict[str, list[str]]
    ) -> None:
        users = [ANNA, managed("dora")]
        plan = planned(users, answer(*records), Settings(directory_service="none"), **answer_given)
        assert [c.user_name for c in plan.of("update")] == ["anna"]
        assert plan.of("update")[0].locks_out
        assert "anna" in [c.user_name for c in plan.of("conflict")]
        assert not plan.of("delete")
        is_told = any("No question asks" in warning for warning in plan.warnings)
        assert is_told == bool(answer_given)

    def test_who_is_renamed_is_not_suspended_but_who_cannot_be_is(self) -> None:
        directory = answer(listed("anna.b", stable_id="1"), listed("anna", stable_id="9"))
        assert sorted(lines(planned([ANNA], directory))) == ["create anna", "rename anna.b"]
        rows: Any = {"anna": {**ANNA.to_row(), "rev": 1}}
        snapshot = Snapshot("id", 1, AUTO_DELETE, rows)
        plan = make_plan(snapshot, directory, lambda name: name == "anna.b")
        assert sorted(lines(plan)) == ["conflict anna", "conflict anna.b", "update anna"]
        assert plan.of("update")[0].locks_out

    def test_once_suspended_it_stays_a_question_and_nothing_is_written(self) -> None:
        suspended = known("anna", "1", other_id="9")
        plan = planned([suspended], self.directory)
        assert lines(plan) == ["return anna"]
        assert plan.leaves_open
        unknown = planned([suspended], answer(listed("anna")))
        assert lines(unknown) == []

    def test_the_own_id_again_ends_it(self) -> None:
        (change,) = planned(
            [known("anna", "1", other_id="9")], answer(listed("anna", stable_id="1"))
        ).changes
        assert change.edit
        assert change.edit.user
        assert (change.edit.user.other_id, change.locks_out) == (None, False)

    def test_the_same_person_takes_the_new_id(self) -> None:
        (change,) = planned(
            [known("anna", "1", other_id="9")], self.directory, same=["ANNA"]
        ).changes
        assert (change.action, change.fields["directory_id"]) == ("update", ("1", "9"))
        assert change.edit
        assert change.edit.user
        assert change.edit.user.other_id is None

    def test_somebody_new_replaces_the_user(self) -> None:
        anna = known("anna", "1", privileges=["login", "export"])
        plan = planned([anna], self.directory, new=["anna"])
        assert lines(plan) == ["create anna", "delete anna"]
        create, delete = plan.changes
        assert (create.archive, delete.archive, delete.locks_out) == ("aside", "kept", True)
        assert create.edit
        assert create.edit.user
        assert (create.edit.user.privileges, create.edit.user.directory_id) == (["login"], "9")

    @pytest.mark.parametrize("fields", [{"privileges": ["admin"]}, {"pinned": True}])
    def test_nobody_replaces_an_administrator_or_a_pinned_user(
        self, fields: dict[str, Any]
    ) -> None:
        plan = planned([known("anna", "1", **fields)], self.directory, new=["anna"])
        assert sorted(lines(plan)) == ["conflict anna", "update anna"]


class TestTakingOver:
    users = [managed("anna"), managed("bert"), User(user_name="root", privileges=["admin"])]
    directory = answer(
        *(listed(n, stable_id=i) for n, i in (("anna", "1"), ("bert", "2"), ("zoe", "3")))
    )

    def test_it_is_one_question_and_until_then_names_alone_count(self) -> None:
        plan = planned(self.users, self.directory)
        assert lines(plan) == ["create zoe", f"update {IDS}"]
        create, question = plan.changes
        assert (question.asks, question.edit) == ("ids", None)
        assert "the ids of 2 users" in question.reason
        assert create.edit
        assert create.edit.user
        assert create.edit.user.directory_id is None

    def test_confirmed_each_has_the_id_of_its_name(self) -> None:
        plan = planned(self.users, self.directory, take_ids=True)
        assert lines(plan) == ["create zoe", f"update {IDS}", "update anna", "update bert"]
        taken = {
            c.user_name: c.edit.user.directory_id for c in plan.changes if c.edit and c.edit.user
        }
        assert taken == {"zoe": "3", "anna": "1", "bert": "2"}
        assert not plan.leaves_open

    def test_a_new_directory_is_a_new_start(self) -> None:
        moved = replace(
            AUTO_DELETE, directory_service="application_integration", url="https://other/"
        )
        users = [ANNA, BERT]
        same_names = answer(listed("anna", stable_id="2"), listed("bert", stable_id="1"))
        assert lines(planned(users, same_names, moved)) == [f"update {IDS}"]
        plan = planned(users, same_names, moved, take_ids=True)
        assert lines(plan) == [f"update {IDS}", "update anna", "update bert"]

    def test_an_empty_store_has_nothing_to_take_over(self) -> None:
        (root,) = self.users[2:]
        plan = planned([root], self.directory)
        assert lines(plan) == ["create anna", "create bert", "create zoe"]
        assert [c.edit.user.directory_id for c in plan.changes if c.edit and c.edit.user] == [
            "1",
            "2",
            "3",
        ]


class TestWhatCannotBeRead:
    """An id decides where it is known, and leaves a doubt where it cannot be read."""

    anna = known("anna", "1", email_addresses=["a@x.org"])

    def test_nobody_goes_who_may_be_under_a_record_without_a_readable_id(self) -> None:
        record = listed("anna.b", "b@x.org")
        unreadable = planned([self.anna, BERT], answer(record._replace(unreadable=("id",))))
        assert lines(unreadable) == ["create anna.b"]
        assert "may be the same person" in unreadable.warnings[0]
        control = planned([self.anna, BERT], answer(record))
        assert lines(control) == ["create anna.b", "delete anna", "delete bert"]
        nobody_has_one = [managed("anna"), managed("bert")]
        plan = planned(nobody_has_one, answer(record._replace(unreadable=("id",))))
        assert lines(plan) == ["create anna.b", "delete anna", "delete bert"]

    @pytest.mark.parametrize(
        ("users", "record", "field"),
        [
            pytest.param([LOCAL], listed("anna", stable_id="2"), "id", id="of a user here"),
            pytest.param([], listed("anna", stable_id="2"), "id", id="of a new name"),
            pytest.param([], listed("anna", dn="CN=B"), "distinguished_name", id="without an id"),
            pytest.param([], listed("anna", "b@x.org"), "email_addresses", id="an address"),
        ],
    )
    def test_nobody_goes_who_may_be_under_a_name_that_a_skip_rule_leaves_alone(
        self, users: list[User], record: Any, field: str
    ) -> None:
        rule = FilterRule(action="skip", field="user_name", pattern="anna")
        settings = replace(AUTO_DELETE, filters=(rule,))
        bert = replace(BERT, distinguished_name="cn=b", email_addresses=["b@x.org"])
        unknown = listed("anna")._replace(unreadable=(field,))
        for one in (record, unknown):
            plan = planned([*users, bert], answer(one, listed("x")), settings)
            assert lines(plan) == ["create x"]
        control = planned([*users, bert], answer(listed("anna"), listed("x")), settings)
        assert lines(control) == ["create x", "delete bert"]

    def test_a_name_that_is_listed_twice_may_be_whose_id_one_of_them_has(self) -> None:
        unknown = listed("anna")._replace(unreadable=("id",))
        for records in ((unknown, listed("anna")), (listed("anna"), unknown)):
            assert not planned([BERT], answer(*records)).of("delete")
        assert planned([BERT], answer(listed("anna"), listed("anna"))).of("delete")

    @pytest.mark.parametrize(("stable_id", "gone"), [("1", ["bert"]), ("9", []), (None, [])])
    def test_a_refused_record_is_whose_id_it_has(
        self, stable_id: str | None, gone: list[str]
    ) -> None:
        bad = InvalidRecord(None, "it has no user name", None, [], stable_id)
        plan = planned([self.anna, BERT], answer(listed("carla"), bad))
        assert [change.user_name for change in plan.of("delete")] == gone

    def test_a_known_id_tells_whose_stored_values_filters_judge(self) -> None:
        rule = FilterRule(action="include", field="email_domain", pattern="x.org")
        record = listed("anna.b", stable_id="1")._replace(unreadable=("email_addresses",))
        plan = planned([self.anna], answer(record), replace(AUTO_DELETE, filters=(rule,)))
        (change,) = plan.changes
        assert (change.action, change.user_name) == ("rename", "anna.b")
        assert change.edit
        assert change.edit.user
        assert change.edit.user.email_addresses == ["a@x.org"]

    def test_who_is_known_by_the_id_leaves_no_doubt_about_others(self) -> None:
        record = listed("anna.b", stable_id="1")._replace(unreadable=("email_addresses",))
        bert = managed("bert", email_addresses=["b@x.org"])
        assert lines(planned([self.anna, bert], answer(record))) == ["delete bert", "rename anna.b"]

    def test_another_id_suspends_also_where_a_filter_cannot_tell(self) -> None:
        rule = FilterRule(action="include", field="email_domain", pattern="x.org")
        record = listed("bert", stable_id="9")._replace(unreadable=("email_addresses",))
        plan = planned([BERT], answer(record), replace(AUTO_DELETE, filters=(rule,)))
        assert sorted(lines(plan)) == ["conflict bert", "update bert"]
        assert plan.of("update")[0].locks_out
        assert plan.guard
        twice = answer(record, record._replace(id="8"))
        twice_listed = planned([BERT], twice, replace(AUTO_DELETE, filters=(rule,)))
        assert lines(twice_listed) == ["conflict bert", "conflict bert"]
