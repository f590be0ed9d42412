"""Plain words: texts that a person meets name their subject, and put no parentheses in others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("store", "sync", "tui")

# What to write in its place: the user, the setting, the file, the sync; a verb; "no longer".
_BANNED = re.compile(
    r"\b(whoever|whomever)\b"
    r"|\bthere (is|are|was|were) (no|none|nothing|neither|an?|already)\b"
    r"|\b(is|are|was|were) (no(?! longer)|none)\b"
    r"|\bany (more|longer)\b"
    r"|\bas else\b|\bit is for\b|\bby design\b"
    r"|(?:^|[.:;] )(who|what) [^.?]*\b(is|are|can|may|has|was)\b"
    r"|\bno \w+ (does|do) so\b"
    r"|\([^()]*\("
    r"|\w\(s\)",
    re.IGNORECASE,
)
_PROSE = re.compile(r"[A-Za-z]+ [a-z]+")
_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|CREATE|VALUES|DELETE FROM|LISTEN)\b")


def _texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield each text of more than one word with its line; what is put in is `{}`."""
    tree = ast.parse(source)
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
        if ast.get_docstring(node, clean=False) if isinstance(node, _DOCUMENTED) else None:
            inside.add(id(node.body[0].value))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if id(node) not in inside and _PROSE.search(text) and not _SQL.search(text):
            yield node.lineno, text


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("package", PACKAGES)
def test_texts_are_in_plain_words(package: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: “{match[0]}” in: {text}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for line, text in _texts(file.read_text())
        if (match := _BANNED.search(text))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "Whoever reaches the server can read all users.",
        "There is no user “{}”.",
        "“{}” is no setting.",
        "An administrator who is none any more is logged off.",
        "What was written is whole.",
        "Nothing was written. Who can log on stays.",
        "no sync does so again until released",
        "The plan {} cannot be read (line 1 (of 2)).",
        "{} user(s) were deleted.",
    ],
)
def test_what_is_not_plain_is_found(text: str) -> None:
    assert _BANNED.search(text)


@pytest.mark.parametrize(
    "source",
    [
        'f"There is no user “{name}”."',
        'text = ("There is " "no user.")',
        '"""Docstring."""\nerror = "There is no user."',
    ],
)
def test_a_text_is_read_whole(source: str) -> None:
    assert [text for _, text in _texts(source) if _BANNED.search(text)]


def test_docstrings_are_no_texts() -> None:
    assert list(_texts('"""There is no user here."""')) == []
