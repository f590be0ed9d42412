"""The states of History, of a run, of an undo and of Pinned users that are kept as pictures."""

from __future__ import annotations

from dataclasses import replace

from store.models import FilterRule, User
from sync.directory.listing import Listing
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from tests.support.builders import answer, listed, managed
from tests.tui.driver import Driver
from tests.tui.past_runs import edit_elsewhere
from tests.tui.scenes import LONG, LONG_USER, USERS, Play, Scene

BEFORE = (
    *USERS,
    managed("dora", full_name="Dora Dietz", privileges=["login", "export"], password_hash="x"),
    managed("emil", full_name="Emil Ernst", email_addresses=["emil@example.com"]),
)
DIRECTORY = answer(
    listed("anna.mueller", "anna@example.com", full="Anna Maier", dn="CN=Anna Maier,DC=example"),
    listed("bert", "bert@example.com", full="Bert Brandt"),
    listed("carl"),
    listed("zoe", "zoe@example.com", full="Zoe Zimmer"),
)
GUARDED = {"guard_max_deletes": 1}
RULES = (FilterRule(action="exclude", field="user_name", pattern="svc-*", reason="services"),)
PINNED = tuple(
    managed(f"user{number}", full_name=f"User {number}", pinned=True) for number in "123"
)
LONG_LISTING = answer(listed("k" * 250, full=LONG), listed(LONG_USER.user_name, dn=LONG))


def synchronise(admin: Driver, listing: Listing, run_id: str, who: str) -> None:
    plan = replace(preview(admin.app.workspace, listing), id=run_id)
    deletes = plan.counts["delete"]
    apply_plan(replace(admin.app.workspace, who=who), plan, allow_deletes=deletes or None)


def undo(admin: Driver, run_id: str, undo_id: str, who: str) -> None:
    plan = replace(undo_preview(admin.app.workspace, run_id), id=undo_id)
    apply_plan(
        replace(admin.app.workspace, who=who), plan, allow_deletes=plan.counts["delete"] or None
    )


def after_a_sync(*pressed: str, listing: Listing = DIRECTORY, seen: str = "") -> Play:
    """Let cron synchronise, open History, and press these keys."""

    async def play(admin: Driver) -> None:
        synchronise(admin, listing, "5f1c0a7be2d4", "cron")
        admin.app.refresh_store()
        await admin.press("f7")
        await admin.sees("cron")
        for key in pressed:
            await admin.press(key)
            await admin.pilot.pause(0.2)
        await admin.sees(seen)

    return play


async def several(admin: Driver) -> None:
    synchronise(admin, DIRECTORY, "5f1c0a7be2d4", "cron")
    undo(admin, "5f1c0a7be2d4", "9be04d3c1f20", "root")
    synchronise(admin, answer(*DIRECTORY.users, listed("emil")), "0d7e44a1b3c5", "anna.mueller")
    admin.app.refresh_store()
    await admin.pilot.pause(1)  # until the store's watch has seen it too
    folded = {"create": 1204, "update": 87, "delete": 31, "conflict": 0, "rename": 2}
    snapshot = admin.app.snapshot
    history = replace(snapshot.history, folded_runs=42, folded_counts=folded)
    admin.app.take(replace(snapshot, history=history))
    await admin.press("f7", "down")
    await admin.sees("42 older runs")


async def none(admin: Driver) -> None:
    await admin.press("f7")
    await admin.sees("No run changed anything yet.")


async def edited_since(admin: Driver) -> None:
    synchronise(admin, DIRECTORY, "5f1c0a7be2d4", "cron")
    edit_elsewhere(admin.app.workspace, "zoe")
    admin.app.refresh_store()
    await admin.press("f7", "u")
    await admin.sees("! conflict")
    await admin.press("end")
    await admin.pilot.pause(0.2)


async def undo_done(admin: Driver) -> None:
    await after_a_sync("u", "u", "y", seen="Done:")(admin)


async def report_problem(admin: Driver) -> None:
    await after_a_sync("e", "ctrl+u", seen="Write a report")(admin)
    await admin.type("report.txt")
    await admin.sees("neither")


async def pinned(admin: Driver) -> None:
    await admin.press("f7", "p", "space")
    await admin.sees("1 marked")


async def release(admin: Driver) -> None:
    await admin.press("f7", "p", "m", "r")
    await admin.sees("Release 3 users?")


HISTORY = {
    "history_empty": Scene(none),
    "history": Scene(several, GUARDED, users=BEFORE),
    "history_help": Scene(after_a_sync("f1", seen="On this screen"), users=BEFORE),
    "run": Scene(
        after_a_sync("enter", "down", "down", seen="- delete"),
        {**GUARDED, "filters": RULES},
        users=BEFORE,
    ),
    "run_long": Scene(
        after_a_sync("enter", "down", listing=LONG_LISTING, seen="kkk"), users=(LONG_USER,)
    ),
    "undo": Scene(after_a_sync("u", seen="+ create"), users=BEFORE),
    "undo_skipped": Scene(after_a_sync("u", "space", seen="skipped"), users=BEFORE),
    "undo_conflict": Scene(edited_since, users=BEFORE),
    "undo_confirm": Scene(after_a_sync("u", "u", seen="Undo now?"), users=BEFORE),
    "undo_number": Scene(
        after_a_sync("u", "u", listing=answer(listed("x"), listed("y")), seen="to delete"),
        GUARDED,
        users=(User(user_name="local", password_hash="x"),),
    ),
    "undo_done": Scene(undo_done, users=BEFORE),
    "report": Scene(after_a_sync("e", seen="Write a report"), users=BEFORE),
    "report_problem": Scene(report_problem, users=BEFORE),
    "pinned": Scene(pinned, users=PINNED),
    "pinned_release": Scene(release, users=PINNED),
}
