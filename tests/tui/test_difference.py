"""What differs between old and new is marked inside the texts."""

from __future__ import annotations

import pytest
from rich.text import Text

from tui.texts.difference import by_parts, marked


def parts(text: Text) -> list[str]:
    return [text.plain[span.start : span.end] for span in text.spans if span.end > span.start]


@pytest.mark.parametrize(
    ("old", "new", "gone", "come"),
    [
        ("Anna Meyer", "Anna Meier", ["Meyer"], ["Meier"]),
        ("CN=A,OU=Sales,DC=x", "CN=A,OU=Board,DC=x", ["Sales"], ["Board"]),
        ("a@x.org, b@x.org", "a@x.org", [", b@x.org"], []),
        ("Anna", "Berta", [], []),
        ("same", "same", [], []),
        ("(none)", "Anna", [], []),
        ("", "Anna", [], []),
        ("a " * 500, "a b " * 500, [], []),
    ],
)
def test_marks(old: str, new: str, gone: list[str], come: list[str]) -> None:
    before, after = marked(old, new)
    assert (parts(before), parts(after)) == (gone, come)
    assert (before.plain, after.plain) == (old[:2000], new[:2000])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("CN=A,OU=Sales,DC=x", "CN=A,OU=Board,DC=x", " CN=A|-OU=Sales|+OU=Board| DC=x"),
        ("CN=A,DC=x", "CN=A,OU=Board,DC=x", " CN=A|+OU=Board| DC=x"),
        ("CN=A,OU=Sales,DC=x", "CN=A,DC=x", " CN=A|-OU=Sales| DC=x"),
        (r"CN=A\, B,DC=x", r"CN=A\, C,DC=x", r"-CN=A\, B|+CN=A\, C| DC=x"),
        ("", "CN=A,DC=x", "+CN=A|+DC=x"),
    ],
)
def test_distinguished_names_part_by_part(old: str, new: str, expected: str) -> None:
    assert "|".join(sign + text.plain for sign, text in by_parts(old, new)) == expected
