"""Who may have an address, as a table of users and of edits to them in one batch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from store.errors import InvalidValue
from store.interface import Edit
from store.models import User
from store.owners import check_addresses_free, holders_of


def mail(name: str, *addresses: str) -> User:
    return User(user_name=name, email_addresses=[*addresses], rev=1)


def create(name: str, *addresses: str) -> Edit:
    return Edit.create(replace(mail(name, *addresses), rev=0))


def update(before: User, *addresses: str, name: str = "") -> Edit:
    after = replace(before, email_addresses=[*addresses], user_name=name or before.user_name)
    return Edit.update(before, after)


A, B, C = mail("a", "a@x.org"), mail("b", "b@x.org", "b2@x.org"), mail("c", "c@x.org")
TWINS = [mail("a", "same@x.org"), mail("b", "same@x.org")]
GO = [mail(f"go{number}", f"go{number}@x.org") for number in range(20)]
TABLE: dict[str, tuple[list[User], list[Edit], str | None]] = {
    # users, edits, and what is told of the owner or None
    "nothing new": ([A], [update(A, "A@X.org")], None),
    "a new address": ([A], [update(A, "a@x.org", "n@x.org")], None),
    "another's": ([A, B], [update(A, "B@x.org")], "“b@x.org” belongs to “b”"),
    "another's second": ([A, B], [create("n", "n@x.org", "b2@x.org")], "“b2@x.org” belongs to “b”"),
    "another's, after one of nobody": (
        [A, C], [create("n", "n@x.org", "m@x.org", "c@x.org")], "“c@x.org” belongs to “c”",
    ),
    "after a deletion of somebody else": (
        [A, C], [Edit.delete(A), create("n", "c@x.org")], "“c@x.org” belongs to “c”",
    ),
    "of one who goes": ([A], [Edit.delete(A), create("n", "a@x.org")], None),
    "of one who gives it up": ([A, B], [update(B, "a@x.org"), update(A, "b@x.org")], None),
    "of one who keeps it under another name": (
        [A], [update(A, "a@x.org", name="z"), create("n", "a@x.org")], "“a@x.org” belongs to “z”",
    ),
    "two new ones": ([], [create("n", "n@x.org"), create("m", "N@x.org")], "belongs to “n”"),
    "two new ones, the other way round": (
        [], [create("m", "n@x.org"), create("n", "N@x.org")], "belongs to “m”",
    ),
    "twice with one user": ([], [create("n", "n@x.org", "N@x.org")], None),
    "two have had it": (TWINS, [update(TWINS[0], "same@x.org", "n@x.org")], None),
    "of two who have it one goes": (
        TWINS, [Edit.delete(TWINS[0]), create("n", "same@x.org")], "belongs to “b”",
    ),
    "of two who have it one gives it up": (
        TWINS, [update(TWINS[0]), create("n", "same@x.org")], "belongs to “b”",
    ),
    "of two who have it both go": (
        TWINS, [*map(Edit.delete, TWINS), create("n", "same@x.org")], None,
    ),
    "of many who go and one who stays": (
        [*GO, C],
        [*map(Edit.delete, GO), create("n", "c@x.org", *(user.email_addresses[0] for user in GO))],
        "“c@x.org” belongs to “c”",
    ),
    "that the name is taken is not told here": ([A], [create("a", "a@x.org")], None),
    "another form": (
        [mail("m", "m@xn--mnchen-3ya.example")], [create("n", "M@MÜNCHEN.example")],
        "“m@xn--mnchen-3ya.example” belongs to “m”",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("users", "edits", "says"), TABLE.values(), ids=TABLE.keys())
def test_an_address_has_one_owner(users: list[User], edits: list[Edit], says: str | None) -> None:
    before = {user.key: user.to_row() for user in users}
    after = {key: row for key, row in before.items() if key not in {edit.key for edit in edits}}
    after.update({edit.user.key: edit.user.to_row() for edit in edits if edit.user})
    if says is None:
        check_addresses_free(before, after, edits)
        return
    with pytest.raises(InvalidValue) as refused:
        check_addresses_free(before, after, edits)
    assert says in refused.value.what
    assert refused.value.advice == "Take it from that user first, or choose another one."


HOLDERS = [
    mail("a", "A@x.org", "shared@x.org"), mail("b", "b@x.org"), mail("c", "SHARED@x.org"),
    mail("d", "b@Ünder.example", "a@x.org"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("addresses", "holders"),
    [
        ([], {}),
        (["n@x.org"], {}),
        (["a@x.org", "n@x.org"], {"a@x.org": ["a", "d"]}),
        (["shared@x.org", "b@x.org"], {"shared@x.org": ["a", "c"], "b@x.org": ["b"]}),
        (["b@xn--nder-zra.example"], {"b@xn--nder-zra.example": ["d"]}),
    ],
)
def test_who_holds_an_address(addresses: list[str], holders: dict[str, list[str]]) -> None:
    assert holders_of(addresses, {user.key: user.to_row() for user in HOLDERS}) == holders
