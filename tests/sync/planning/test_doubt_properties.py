"""What cannot be read in an answer: nobody goes, nothing is emptied, nobody comes in by that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from store.addresses import address_key
from store.interface import Snapshot
from store.models import Settings, User
from store.names import match_key
from sync.directory.listing import Listing
from sync.planning.doubt import traits, traits_of
from sync.planning.plan import Plan
from sync.planning.planner import make_plan
from tests.support import strategies

Record = dict[str, Any]

records = st.fixed_dictionaries(
    {"userName": strategies.names},
    optional={
        "distinguishedName": strategies.distinguished_names,
        "fullName": strategies.full_names,
        "emailAddresses": st.lists(strategies.addresses, max_size=2, unique=True),
        "id": strategies.ids,
    },
)
NOT_TEXTS = [5, True, ["a"], {"a": "b"}, 1.5]
NAMES = st.sampled_from([None, "", 5, ["anna"], "z" * 1000])
MANGLED = st.sampled_from(
    ["{}/", " {}", "{} ", "{}\u200b", "*{}", ".{}", "~{}", "{}\x00", "{}\u034f"]
)
rules = st.lists(
    st.one_of(
        strategies.filter_rules,
        st.builds(
            lambda rule: type(rule)(action="skip", field=rule.field, pattern=rule.pattern),
            strategies.filter_rules,
        ),
    ),
    max_size=3,
)


@st.composite
def spoilt(draw: st.DrawFn, whole: list[Record]) -> tuple[list[Record], int, str]:
    """Return the answer with one field of one record made worse, and which one."""
    number = draw(st.integers(0, len(whole) - 1))
    record = whole[number]
    field = draw(st.sampled_from(sorted({"userName", *record})))
    value = record[field]
    bad: Any
    if field == "userName":
        bad = draw(NAMES) if draw(st.booleans()) else draw(MANGLED).format(value)
    elif field == "emailAddresses":
        broken = [f"{address} " for address in value]
        bad = draw(
            st.sampled_from(
                [
                    ", ".join(value),
                    5,
                    {},
                    [*value, 5],
                    [*value, "no address"],
                    [*broken, "no address"],
                    [*broken[:1], *value[1:], "x@"],
                ]
            )
        )
    elif field == "id":
        bad = draw(st.sampled_from([*NOT_TEXTS, f" {value}", "1\x00", "x" * 257]))
    else:
        bad = draw(st.sampled_from(NOT_TEXTS) | st.just("x" * 10_000))
    return [*whole[:number], {**record, field: bad}, *whole[number + 1 :]], number, field


def planned(users: list[User], settings: Settings, listed: list[Record]) -> Plan:
    rows: Any = {user.key: {**user.to_row(), "rev": 1} for user in users}
    return make_plan(Snapshot("id", 1, settings, rows), Listing.unread(listed), lambda _: False)


def keys(plan: Plan, *actions: str) -> set[str]:
    return {match_key(c.user_name) for c in plan.changes if not actions or c.action in actions}


def named(plan: Plan) -> set[str]:
    """Return all whom the plan speaks of: by a change, or as a candidate of a question."""
    old = {match_key(name) for change in plan.changes for name in change.candidates}
    edited = {change.edit.key for change in plan.changes if change.edit}
    return keys(plan) | old | edited


def emptied(plan: Plan) -> set[tuple[str, str, str]]:
    """Return the values that are emptied: the user's name before and after, and the field."""
    return {
        (change.edit.key, match_key(change.user_name), name)
        for change in plan.changes
        if change.edit and change.action in ("update", "rename")
        for name, values in change.fields.items()
        if values.old and not values.new
    }


def addresses_lost(plan: Plan) -> set[tuple[str, str, str]]:
    """Return the addresses that users lose, with the user's name before and after."""
    return {
        (change.edit.key, match_key(change.user_name), address_key(address))
        for change in plan.changes
        if change.edit and change.action in ("update", "rename")
        if (values := change.fields.get("email_addresses"))
        for address in {*(values.old or ())} - {*(values.new or ())}
    }


@hypothesis_settings(max_examples=500)
@given(
    users=strategies.stored_users,
    settings=strategies.settings,
    rules=rules,
    whole=st.lists(records, min_size=1, max_size=8),
    data=st.data(),
)
def test_an_answer_made_worse_in_one_field_takes_nothing_and_lets_nobody_in(
    users: list[User],
    settings: Settings,
    rules: list[Any],
    whole: list[Record],
    data: st.DataObject,
) -> None:
    """Of who was not in the plan of the unspoilt answer, or not taken out of scope by it.

    A record whose name is lost is who its other fields say; that somebody else's id, distinguished
    name or address came to that record with the very same answer is left out here.
    """
    settings = Settings(**{**vars_of(settings), "filters": tuple(rules)})
    worse, number, field = data.draw(spoilt(whole))
    if field == "userName":
        own = match_key(whole[number]["userName"])
        lost = {
            *traits(whole[number].get("distinguishedName"), whole[number].get("emailAddresses", ()))
        }
        assume(all(user.key == own or lost.isdisjoint(traits_of(user.to_row())) for user in users))
        stable_id = whole[number].get("id")
        assume(
            all(user.key == own or stable_id != user.directory_id for user in users)
            or not stable_id
        )
    good, bad = planned(users, settings, whole), planned(users, settings, worse)
    assert keys(bad, "delete") <= keys(good, "delete")
    listed = {match_key(record["userName"]) for record in whole}
    deleting = replace(settings, auto_delete=True, delete_after_days=0)
    out = listed & keys(planned(users, deleting, whole), "delete")
    for taken in (emptied, addresses_lost):
        others = {item for item in taken(bad) if (named(good) | out).isdisjoint(item[:2])}
        assert others <= taken(good)
    assert keys(bad, "create") <= named(good)


def vars_of(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_the_control_an_answer_that_can_be_read_does_all_three() -> None:
    anna = User(user_name="anna", authentication="directory_services", full_name="Anna")
    anna.email_addresses.append("a@example.com")
    bert = User(user_name="bert", authentication="directory_services")
    listed = [{"userName": "anna"}, {"userName": "carla"}]
    plan = planned([anna, bert], Settings(auto_delete=True), listed)
    assert addresses_lost(plan) == {("anna", "anna", "a@example.com")}
    assert (keys(plan, "delete"), keys(plan, "create")) == ({"bert"}, {"carla"})
    assert emptied(plan) == {
        ("anna", "anna", "full_name"),
        ("anna", "anna", "email_addresses"),
    }
