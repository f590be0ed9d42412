"""Tests go through seams: they use no private names, and put nothing into a name's place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CAMPAIGN = TESTS / "faults"  # its controls take the guards away, and count what is lost
OURS = ("store", "sync", "tui")

# What a seam cannot replace, by file and by what is reached or replaced, and why.
COST = "store.passwords.COST"
_COST = "bcrypt's cost is no setting: what could lower it would weaken the hashes that are stored"
_MUTANTS = "mutmut and hypothesis offer no other way in; no test imports it"
_HOST = "the system alone tells the name of this machine"
EXCEPTIONS = {
    ("conftest.py", COST): _COST,
    ("store/test_passwords.py", COST): _COST,
    ("support/cut_short.py", COST): _COST,
    ("sync/logon/test_login.py", COST): _COST,
    ("sync/logon/conftest.py", "sync.logon.login._PACE"): "knows refusals of other tests",
    ("sync/logon/test_pace.py", "sync.logon.pace._FRESH_SECONDS"): "a minute is long",
    (
        "support/replaced.py",
        "owner.?",
    ): "the system alone, such as a disk that fails",
    ("support/mutants_trial.py", "_hypothesis_internal_use_settings"): _MUTANTS,
    ("support/mutants_trial.py", "_setupstate"): _MUTANTS,
    ("support/mutants_trial.py", "_stats"): _MUTANTS,
    ("support/password_search.py", "owner.?"): "sees every password that any test puts in",
    ("support/wrapped_store.py", "self.real.?"): "passes on what is set to the store that it wraps",
    ("tui/test_context.py", "socket.gethostname"): _HOST,
    ("tui/test_snapshots.py", "socket.gethostname"): _HOST,
    ("tui/driver.py", "_compositor"): "Textual tells in no other way what the terminal shows",
    ("tui/driver.py", "_on_timer_update"): "draws now what Textual would draw at its next tick",
    ("tui/driver.py", "_ready"): "the event loop tells in no other way that nothing is left to do",
}
PUBLIC = {"_replace", "_asdict", "_fields", "_make", "_exit"}  # of named tuples, and of os
# How a directory type and a store are added.
SEAMS = ("sync.directory.types.TYPES", "sync.workspace.ELSEWHERE")
PATCHES = {"setattr", "delattr", "setitem", "delitem"}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def reaches(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that are used of something else than the class that they are in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.attr
        elif isinstance(node, ast.ImportFrom):
            path = [*(node.module or "").split("."), *(item.name for item in node.names)]
            yield from filter(private, path)
        elif isinstance(node, ast.Call) and _called(node.func) == "getattr":
            yield from (name for name in map(_text, node.args) if private(name))


def imported(tree: ast.AST) -> dict[str, str]:
    """Return where the names come from that a test imports: their dotted paths."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
        elif isinstance(node, ast.Import):
            found |= {item.asname or item.name: item.name for item in node.names}
    return found


def replacements(tree: ast.AST) -> Iterator[str]:
    """Yield the names in whose place a test puts something else, as far as they can be told."""
    names = imported(tree)

    def spelled(node: ast.expr) -> str:
        text = ast.unparse(node)
        first, dot, rest = text.partition(".")
        return names.get(first, first) + dot + rest

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if spelled(node).split(".")[0] in OURS:
                yield spelled(node)
        elif isinstance(node, ast.Call) and _called(node.func) in PATCHES:
            target, *rest = node.args
            if isinstance(target, ast.Constant):
                yield str(target.value)
            elif _called(node.func) in ("setattr", "delattr"):
                name = rest[0].value if isinstance(rest[0], ast.Constant) else "?"
                yield f"{spelled(target)}.{name}"
            elif spelled(target) not in SEAMS:
                yield spelled(target)
    yield from (path for path in names.values() if path.startswith("unittest.mock"))


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def test_tests_go_through_seams() -> None:
    found = {}
    for file in TESTS.rglob("*.py"):
        if CAMPAIGN in file.parents:
            continue
        tree = ast.parse(file.read_text())
        for what in (*reaches(tree), *replacements(tree)):
            found[str(file.relative_to(TESTS)), what] = ""
    assert found.keys() == EXCEPTIONS.keys()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("workspace.store._lock_wait = 1", "_lock_wait"),
        ("from store.files.lock import _wait", "_wait"),
        ("from textual._ansi_theme import MONOKAI", "_ansi_theme"),
        ("getattr(store, '_mutex')", "_mutex"),
        ("monkeypatch.setattr('store.files.lock.WAIT', 1)", "store.files.lock.WAIT"),
        ("from store.files import lock\nmonkeypatch.setattr(lock, 'WAIT', 1)",
         "store.files.lock.WAIT"),
        ("from store.files import lock\nlock.WAIT = 1", "store.files.lock.WAIT"),
        ("from store.files.lock import Lock\nwith patch.context() as p: p.delattr(Lock, 'take')",
         "store.files.lock.Lock.take"),
        ("import os\nmonkeypatch.setattr(os, 'fsync', print)", "os.fsync"),
        ("monkeypatch.setitem(STEPS, 1, step)", "STEPS"),
        ("from unittest.mock import patch", "unittest.mock.patch"),
    ],
)  # fmt: skip
def test_what_does_not_is_found(line: str, what: str) -> None:
    tree = ast.parse(line)
    assert what in {*reaches(tree), *replacements(tree)}


def test_seams_are_left_alone() -> None:
    tree = ast.parse(
        "from sync.directory.types import TYPES\n"
        "monkeypatch.setitem(TYPES, 'own', OWN)\n"
        "monkeypatch.setenv('HOME', '/tmp')\n"
        "limits = LIMITS._replace(request_seconds=1)\n"
        "self._real.call()\n"
        "admin.app.listing = listing\n"
    )
    assert [*reaches(tree), *replacements(tree)] == []
