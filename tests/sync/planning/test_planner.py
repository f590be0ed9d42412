"""The rules of a sync, one by one."""

from __future__ import annotations

import hashlib

import pytest

from store.models import DIRECTORY_SERVICES, FilterRule, Settings, User
from sync.directory.listing import DirectoryUser, InvalidRecord
from sync.planning.plan import FieldChange, LeftOut
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, plan_for
from tests.support.replaced import in_place_of

ROOT = User(user_name="root", privileges=["admin"], password_hash="x")


def test_an_unknown_user_is_created_with_the_default_privileges() -> None:
    settings = Settings(
        default_privileges=("login", "export"), default_folder_privileges=("read", "write")
    )
    plan = plan_for([], answer(listed("Anna", "a@x.org", dn="cn=a", full="Anna Berg")), settings)
    (change,) = plan.changes
    assert (change.action, change.reason) == ("create", "in the directory, unknown here")
    assert change.edit
    assert change.edit.user
    user = change.edit.user
    assert user.authentication == DIRECTORY_SERVICES
    assert user.privileges == ["login", "export"]
    assert user.folder_privileges == {"anna": ["read", "write"]}
    assert user.password_hash is None
    assert change.fields["full_name"] == FieldChange(None, "Anna Berg")


def test_a_known_user_follows_name_distinguished_name_and_addresses_only() -> None:
    before = managed("anna", full_name="Anna", privileges=["export"], email_addresses=["a@x.org"])
    plan = plan_for([before], answer(listed("anna", "b@x.org", "a@x.org", full="Anna Berg")))
    (change,) = plan.changes
    assert change.action == "update"
    assert change.fields == {
        "full_name": FieldChange("Anna", "Anna Berg"),
        "email_addresses": FieldChange(["a@x.org"], ["b@x.org", "a@x.org"]),
    }
    assert change.edit
    assert change.edit.user
    assert change.edit.user.privileges == ["export"]
    assert change.edit.user.authentication == DIRECTORY_SERVICES


def test_an_equal_user_is_no_change() -> None:
    anna = managed("anna", full_name="Anna", email_addresses=["a@x.org"])
    assert lines(plan_for([anna], answer(listed("anna", "a@x.org", full="Anna")))) == []


@pytest.mark.parametrize("there", ["ANNA", "Anna"])
def test_names_are_matched_without_case_and_follow_the_directorys_spelling(there: str) -> None:
    (change,) = plan_for([managed("anna")], answer(listed(there))).changes
    assert change.action == "update"
    assert change.fields == {"user_name": FieldChange("anna", there)}


def test_composed_and_decomposed_names_are_the_same() -> None:
    plan = plan_for([managed("jose\u0301")], answer(listed("jos\u00e9")))
    assert lines(plan) == ["update jose\u0301"]
    assert plan.changes[0].reason == "Unicode form of the user name changed in the directory"


def test_a_field_that_cannot_be_read_is_left_as_it_is() -> None:
    record = DirectoryUser("anna", None, None, [], unreadable=("full_name",))
    assert lines(plan_for([managed("anna", full_name="Anna")], answer(record))) == []


class TestDelete:
    def test_absent_users_go_if_the_option_is_on(self) -> None:
        plan = plan_for([managed("anna"), managed("bert")], answer(listed("bert")))
        (change,) = plan.changes
        assert (change.action, change.reason) == ("delete", "absent from the directory")

    def test_and_stay_if_it_is_off(self) -> None:
        plan = plan_for([managed("anna"), managed("bert")], answer(listed("bert")), Settings())
        assert lines(plan) == []

    def test_users_out_of_scope_go_and_the_plan_says_so(self) -> None:
        rule = FilterRule(action="exclude", field="user_name", pattern="A*")
        settings = Settings(auto_delete=True, filters=(rule,))
        users = [managed("anna"), managed("bert")]
        plan = plan_for(users, answer(listed("anna"), listed("bert")), settings)
        (change,) = plan.changes
        assert (change.action, change.reason) == ("delete", "out of the filters' scope")

    def test_local_users_and_administrators_stay(self) -> None:
        boss = managed("boss", privileges=["admin"])
        plan = plan_for([User(user_name="local"), boss], answer(listed("bert")))
        assert lines(plan) == ["create bert"]
        assert "“boss” is absent from the directory" in plan.warnings[0]

    @pytest.mark.parametrize(("keeps", "archive"), [(True, "kept"), (False, "removed")])
    def test_the_plan_says_what_becomes_of_the_archive(self, keeps: bool, archive: str) -> None:
        users = [managed("anna"), managed("bert")]
        plan = plan_for(users, answer(listed("bert")), keeps_archive=lambda _: keeps)
        assert plan.changes[0].archive == archive

    def test_a_bad_record_of_a_users_name_keeps_the_user(self) -> None:
        bad = InvalidRecord("an/na", "bad", None, [])
        users = [managed("An/Na"), managed("bert")]
        assert lines(plan_for(users, answer(listed("bert"), bad))) == ["conflict an/na"]
        assert "delete An/Na" in lines(plan_for(users, answer(listed("bert"))))

    def test_a_nameless_record_keeps_the_users_it_may_stand_for(self) -> None:
        users = [managed("anna", distinguished_name="cn=a"), managed("bert"), managed("carla")]
        known = InvalidRecord(None, "no name", "cn=a", [])
        plan = plan_for(users, answer(listed("carla"), known))
        assert "delete bert" in lines(plan)
        assert "delete anna" not in lines(plan)

    def test_a_nameless_record_that_may_be_anybody_keeps_everybody(self) -> None:
        unknown = InvalidRecord(None, "no name", None, [])
        plan = plan_for([managed("anna"), managed("bert")], answer(listed("bert"), unknown))
        assert plan.counts["delete"] == 0

    def test_an_empty_answer_deletes_nobody_and_blocks(self) -> None:
        plan = plan_for([managed("anna")], answer())
        assert plan.changes == ()
        assert "listed no users at all" in plan.guard[0]


class TestConflict:
    def test_a_local_user_of_the_name(self) -> None:
        plan = plan_for([User(user_name="anna")], answer(listed("Anna"), listed("bert")))
        assert lines(plan) == ["create bert", "conflict Anna"]
        assert "a local user has this name" in plan.changes[1].reason

    def test_names_that_collide_are_all_skipped(self) -> None:
        plan = plan_for([], answer(listed("straße"), listed("STRASSE"), listed("bert")))
        assert lines(plan) == ["create bert", "conflict straße", "conflict STRASSE"]

    @pytest.mark.parametrize(
        ("names", "told"),
        [
            (("Müller", "Mu\u0308ller"), "2 times: “Müller”, “Mu\u0308ller”, in different Unicode"),
            (("Müller", "Mu\u0308ller", "MÜLLER"), "in different Unicode forms"),
            (("Müller", "MÜLLER"), "2 times: “Müller”, “MÜLLER”; give"),
            (("Müller", "Müller"), "2 times: “Müller”, “Müller”; give"),
        ],
    )
    def test_names_that_look_the_same_are_told_apart(
        self, names: tuple[str, ...], told: str
    ) -> None:
        plan = plan_for([], answer(*map(listed, names)))
        assert all(told in change.reason for change in plan.changes)
        assert plan.counts["conflict"] == len(names)

    def test_colliding_names_delete_nobody(self) -> None:
        plan = plan_for([managed("anna")], answer(listed("anna"), listed("ANNA")))
        assert plan.counts["delete"] == 0

    @pytest.mark.parametrize("name", ["admin", "ADMIN", "Admin"])
    def test_admin_is_reserved(self, name: str) -> None:
        plan = plan_for([managed("admin")], answer(listed(name, full="Changed"), listed("x")))
        assert lines(plan) == ["create x", f"conflict {name}"]

    def test_out_of_scope_there_is_no_conflict(self) -> None:
        rule = FilterRule(action="exclude", field="user_name", pattern="anna")
        plan = plan_for([User(user_name="anna")], answer(listed("anna")), Settings(filters=(rule,)))
        assert lines(plan) == []

    def test_a_bad_record_is_reported_and_the_rest_goes_on(self) -> None:
        bad = InvalidRecord("a*", "the user name contains “*”", None, [])
        plan = plan_for([], answer(bad, listed("bert")))
        assert lines(plan) == ["create bert", "conflict a*"]
        assert "contains “*”" in plan.changes[1].reason


def test_two_users_never_share_a_folder() -> None:
    one, other = "ü" * 120 + "a", "ü" * 120 + "b"
    directory = answer(listed(other, dn="cn=1"), listed("anna"))
    assert lines(plan_for([User(user_name=one)], directory)) == ["create anna", f"create {other}"]
    with in_place_of(hashlib, "sha256", lambda _text: hashlib.md5(b"one for all")):
        plan = plan_for([User(user_name=one)], directory)
    assert lines(plan) == ["create anna", f"conflict {other}"]
    assert "this name would have the same archive folder as “üü" in plan.changes[1].reason


class TestAddresses:
    def test_an_address_that_a_local_user_has(self) -> None:
        local = User(user_name="local", email_addresses=["A@x.org"])
        plan = plan_for([local], answer(listed("anna", "a@X.org")))
        (change,) = plan.changes
        assert (change.action, change.left_out) == ("create", (LeftOut("a@X.org", "local"),))
        assert change.edit
        assert change.edit.user
        assert change.edit.user.email_addresses == []
        assert plan.warnings[0].startswith("“anna”: the address “a@x.org” is left out, because “lo")

    def test_an_address_of_two_new_users_is_nobodys(self) -> None:
        plan = plan_for([], answer(listed("anna", "a@x.org", "b@x.org"), listed("bert", "A@x.org")))
        assert lines(plan) == ["create anna", "create bert"]
        assert [change.left_out for change in plan.changes] == [
            (LeftOut("a@x.org", "bert"),),
            (LeftOut("A@x.org", "anna"),),
        ]
        assert plan.changes[0].fields["email_addresses"] == FieldChange(None, ["b@x.org"])
        assert "email_addresses" not in plan.changes[1].fields

    @pytest.mark.parametrize(
        "rival",
        [
            InvalidRecord("an/na", "bad", None, ["a@x.org"]),
            DirectoryUser("anna", None, None, ["a@x.org"], ("email_addresses",)),
            listed("local", "a@x.org"),
        ],
    )
    def test_nor_does_it_go_to_one_where_the_other_gets_nothing_now(self, rival: object) -> None:
        plan = plan_for([User(user_name="local")], answer(listed("bert", "a@x.org"), rival))  # type: ignore[arg-type]
        (bert,) = [change for change in plan.changes if change.user_name == "bert"]
        assert (bert.action, len(bert.left_out)) == ("create", 1)

    def test_an_update_goes_on_without_the_address_that_a_leaver_keeps(self) -> None:
        users = [managed("gone", email_addresses=["x@x.org"]), managed("anna", full_name="A")]
        plan = plan_for(users, answer(listed("anna", "x@x.org", "y@x.org", full="B")), Settings())
        (change,) = plan.changes
        assert change.fields == {
            "full_name": FieldChange("A", "B"),
            "email_addresses": FieldChange([], ["y@x.org"]),
        }
        assert change.left_out == (LeftOut("x@x.org", "gone"),)

    def test_nobody_loses_the_last_address_by_that(self) -> None:
        users = [
            User(user_name="local", email_addresses=["l@x.org"]),
            managed("anna", email_addresses=["a@x.org"]),
        ]
        plan = plan_for(users, answer(listed("anna", "l@x.org", full="Anna")))
        (change,) = plan.changes
        assert (*change.fields,) == ("full_name",)
        assert change.left_out == (LeftOut("l@x.org", "local"),)

    def test_swapped_addresses_are_two_updates(self) -> None:
        users = [
            managed("anna", email_addresses=["a@x.org"]),
            managed("bert", email_addresses=["b@x.org"]),
        ]
        plan = plan_for(users, answer(listed("anna", "b@x.org"), listed("bert", "a@x.org")))
        assert lines(plan) == ["update anna", "update bert"]

    def test_a_change_that_falls_out_keeps_its_addresses(self) -> None:
        users = [
            User(user_name="local", email_addresses=["l@x.org"]),
            managed("anna", email_addresses=["a@x.org"]),
            managed("bert", email_addresses=["b@x.org"]),
        ]
        plan = plan_for(users, answer(listed("anna", "l@x.org"), listed("bert", "a@x.org")))
        assert lines(plan) == []
        assert ["is left out" in warning for warning in plan.warnings] == [True, True]
        assert ["“local”" in plan.warnings[0], "“anna”" in plan.warnings[1]] == [True, True]

    def test_the_address_of_a_deleted_user_is_free(self) -> None:
        users = [managed("anna", email_addresses=["a@x.org"]), managed("bert")]
        plan = plan_for(users, answer(listed("bert", "a@x.org")))
        assert lines(plan) == ["update bert", "delete anna"]


class TestRename:
    def test_a_shared_distinguished_name_is_a_question(self) -> None:
        users = [managed("anna.berg", distinguished_name="CN=Anna"), managed("bert")]
        plan = plan_for(users, answer(listed("anna.kurz", dn="cn=anna"), listed("bert")))
        (change,) = plan.changes
        assert (change.action, change.user_name, change.edit) == ("rename", "anna.kurz", None)
        assert change.fields["user_name"] == FieldChange("anna.berg", "anna.kurz")

    def test_so_is_a_shared_address(self) -> None:
        users = [managed("anna.berg", email_addresses=["a@x.org"]), managed("bert")]
        plan = plan_for(users, answer(listed("anna.kurz", "a@x.org"), listed("bert")))
        assert lines(plan) == ["rename anna.kurz"]

    def test_without_anything_shared_it_is_a_create_and_a_delete(self) -> None:
        users = [managed("anna.berg", email_addresses=["a@x.org"]), managed("bert")]
        plan = plan_for(users, answer(listed("anna.kurz", "k@x.org"), listed("bert")))
        assert lines(plan) == ["create anna.kurz", "delete anna.berg"]

    def test_held_back_deletions_do_not_count_for_the_guard(self) -> None:
        plan = plan_for([managed("a", distinguished_name="cn=1")], answer(listed("b", dn="cn=1")))
        assert lines(plan) == ["rename b"]
        assert plan.guard == ()


class TestGuard:
    def guard(self, managed_users: int, deletes: int, **limits: int) -> tuple[str, ...]:
        users = [managed(f"user{number}") for number in range(managed_users)]
        present = [listed(f"user{number}") for number in range(deletes, managed_users)]
        settings = Settings(auto_delete=True, **limits)  # type: ignore[arg-type]
        return plan_for(users, answer(listed("new"), *present), settings).guard

    def test_every_managed_user(self) -> None:
        assert "All 2 managed users would be deleted." in self.guard(2, 2)
        assert self.guard(2, 1) == ()

    def test_more_than_the_limit(self) -> None:
        assert "26 deletions exceed the limit of 25 (guard_max_deletes)." in self.guard(1000, 26)
        assert self.guard(1000, 25) == ()

    def test_more_than_ten_percent_and_more_than_three(self) -> None:
        assert "4 deletions are more than 10 % of the 30 managed users" in self.guard(30, 4)[0]
        assert self.guard(30, 3) == ()
        assert self.guard(40, 4) == ()

    def test_the_limits_are_options(self) -> None:
        assert self.guard(1000, 26, guard_max_deletes=26) == ()
        assert self.guard(30, 4, guard_max_delete_percent=20) == ()


def test_changes_come_grouped_and_by_name() -> None:
    users = [managed("zoe"), managed("bert", full_name="B"), ROOT]
    plan = plan_for(users, answer(listed("root"), listed("bert"), listed("Dora"), listed("carl")))
    assert lines(plan) == [
        "create carl",
        "create Dora",
        "update bert",
        "delete zoe",
        "conflict root",
    ]
    assert plan.counts == {
        "create": 2,
        "return": 0,
        "update": 1,
        "leave": 0,
        "delete": 1,
        "conflict": 1,
        "rename": 0,
    }
    assert (plan.listed, plan.in_scope, plan.managed) == (4, 4, 2)


def test_the_planner_changes_nothing_it_was_given() -> None:
    users = [managed("anna", email_addresses=["a@x.org"])]
    record = listed("anna", "b@x.org")
    plan_for(users, answer(record), AUTO_DELETE)
    assert record == listed("anna", "b@x.org")
    assert users == [managed("anna", email_addresses=["a@x.org"])]
