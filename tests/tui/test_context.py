"""The line at the top says where one is, and drops what there is no room for."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from store.interface import Snapshot
from store.models import Settings
from sync.status.outcomes import Outcome, Outcomes
from sync.workspace import Workspace, open_workspace
from tests.support.answers import answering
from tests.support.builders import answer, listed, managed
from tests.tui.driver import Driver, driving
from tui.app import MailrosterApp
from tui.texts.context import Context, context_of, context_text

ROOT = {"administrator": "root"}
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
AT = NOW.isoformat()
SYNC = Outcome(at=AT, result="applied", counts={"create": 3, "update": 1}, listed=7)
FAILED = Outcome(at=AT, result="failed")
WHEN = f"{NOW:%H:%M} UTC"
CONTEXT = Context(
    now=NOW,
    administrator="root",
    host="mx1",
    store="users.json",
    has_directory=True,
    is_insecure=False,
    reachable=None,
    outcomes=Outcomes(last=SYNC, succeeded=SYNC, answered=SYNC),
    users=124,
)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, f"directory reachable   last sync {WHEN}  +3  ~1   124 users"),
        ({"reachable": False}, "! directory unreachable"),
        ({"is_insecure": True}, "directory reachable, at risk"),
        ({"has_directory": False}, "no directory"),
        ({"outcomes": Outcomes()}, "directory not asked yet   never synchronized"),
        (
            {"outcomes": Outcomes(succeeded=SYNC, failed=FAILED, failing_since=AT)},
            f"! last sync {WHEN} failed",
        ),
        (
            {"outcomes": Outcomes(succeeded=Outcome(at=AT, result="no_changes"))},
            f"last sync {WHEN}  no changes",
        ),
        (
            {"outcomes": Outcomes(succeeded=replace(SYNC, questions=1, held=2))},
            f"last sync {WHEN}  +3  ~1  ?1, 2 held back",
        ),
        ({"now": NOW.replace(year=2027)}, "last sync 2026-02-03"),
        ({"store": "\x1b[31mx"}, "x"),
    ],
)
def test_the_line(changed: dict[str, Any], expected: str) -> None:
    text = context_text(CONTEXT._replace(**changed), 118)
    assert text.plain.startswith("mailroster   root@mx1   ")
    assert expected in text.plain
    assert "\x1b" not in text.plain


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("{folder}/users.json", "users.json"),
        ("postgresql:///postgres?host={folder}/x&port=54914", "postgres"),
        ("postgresql://127.0.0.1:1,[::1]:1/mail?target_session_attrs=read-write", "mail"),
        ("postgresql://anna@127.0.0.1:1?dbname=a/b", "a/b"),
        ("postgresql:///?service=the/archive", "the/archive"),
        ("postgresql://127.0.0.1:1,127.0.0.1:2", "127.0.0.1:1,127.0.0.1:2"),
    ],
)
def test_the_store_says_its_short_name(tmp_path: Path, store: str, shown: str) -> None:
    workspace = open_workspace(store.format(folder=tmp_path), tmp_path / "secret.key")
    context = context_of(workspace, Snapshot("", 0, Settings(), {}), None)
    workspace.close()
    assert context.store == shown


@pytest.mark.parametrize(
    ("width", "kept", "gone"),
    [
        (118, ("root@mx1", "users.json", "directory reachable"), ()),
        (90, ("root@mx1", "directory reachable"), ("users.json",)),
        (70, ("root@mx1",), ("users.json", "directory")),
        (50, (), ("users.json", "directory", "root@mx1")),
    ],
)
def test_the_last_sync_stays(width: int, kept: tuple[str, ...], gone: tuple[str, ...]) -> None:
    text = context_text(CONTEXT, width)
    assert text.cell_len <= width
    assert all(part in text.plain for part in (*kept, f"last sync {WHEN}  +3  ~1"))
    assert not any(part in text.plain for part in gone)


@pytest.mark.parametrize("width", [80, 100, 120])
async def test_it_is_on_the_screens_and_follows(
    width: int, filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "mx1.example.com")
    app = MailrosterApp(filled(), **ROOT)
    async with app.run_test(size=(width, 24)) as pilot:
        admin = Driver(app, pilot)
        await admin.sees("Quit", "Everything is well.")
        await admin.press("f6")
        await admin.sees("root@mx1", "never synchronized")
        answering(monkeypatch, answer(listed("anna")))
        await admin.press("f5", "t")
        await admin.sees("1 create")
        await admin.press("s", "y")
        await admin.sees("Done", "last sync", "+1")
        assert ("mailroster" in admin.text) is (width >= 100)


async def test_a_directory_that_does_not_answer(filled: Callable[..., Workspace]) -> None:
    app = MailrosterApp(filled(url="http://127.0.0.1:1/"), **ROOT)
    async with app.run_test(size=(120, 24)) as pilot:
        admin = Driver(app, pilot)
        await admin.press("f5", "t")
        await admin.sees("refused the connection", "! directory unreachable")


async def test_details_follow_the_cursor_from_120_columns(
    filled: Callable[..., Workspace],
) -> None:
    users = [managed(name, full_name=f"Full {name}") for name in ("anna", "bert")]
    workspace = filled(*users)
    app = MailrosterApp(workspace, **ROOT)
    async with app.run_test(size=(120, 24)) as pilot:
        admin = Driver(app, pilot)
        await admin.sees("Quit", "never synchronized")
        await admin.press("f6", "down")
        await admin.sees("╭─ Users", "╭─ Details", "Full name Full anna", "Distinguished name")
        await admin.press("down")
        await admin.sees("Full name Full bert")
        await admin.press("f7")
        await admin.sees("╭─ Runs", "╭─ Details")
    async with driving(workspace, **ROOT) as narrow:
        await narrow.sees("Quit", "Everything is well.")
        await narrow.press("f6", "down")
        assert "Distinguished name" not in narrow.text
        assert "╭" not in narrow.text
