"""Undo on the screen: looked at, asked about, applied, and who comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from store.files.lock import writer_lock
from store.history import Run, RunChange, RunSummary
from store.interface import Batch, Edit
from sync.configure import configure
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.archived_mail import give_mail
from tests.support.builders import answer, listed, managed
from tests.support.wrapped_store import gated
from tests.tui.driver import Driver, driving
from tests.tui.past_runs import HASH, ROOT, USERS, beside, edit_elsewhere, synchronise
from tui.widgets.note import Note

Filled = Callable[..., Workspace]


async def see_undo(admin: Driver) -> None:
    await admin.press("f7", "u")
    await admin.sees("~ update anna")


async def ask_to_undo(admin: Driver) -> None:
    await see_undo(admin)
    await admin.press("u")
    await admin.sees("Undo now?")


class TestUndo:
    async def test_preview_confirmation_result(self, filled: Filled) -> None:
        workspace = filled(*USERS)
        synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "u")
            await admin.sees("Undo of the sync by cron", "+ 1 create ~ 1 update - 1 delete")
            await admin.sees("+ create bert", "comes back whole and pinned")
            await admin.press("u")
            await admin.sees("Undo now?", "This will: + 1 create ~ 1 update - 1 delete")
            await admin.sees("1 user comes back and is pinned.")
            await admin.press("n")
            assert "bert" not in workspace.snapshot().users
            await admin.press("u")
            await admin.sees("Undo now?")
            await admin.press("y")
            await admin.sees("Done: + 1 create ~ 1 update - 1 delete", "+ created bert")
            bert = workspace.snapshot().find("bert")
            assert bert
            assert (bert.pinned, bert.password_hash) == (True, HASH)
            assert "carla" not in workspace.snapshot().users
            assert workspace.snapshot().history.runs[-1].who == "root"
            await admin.press("u")
            await admin.sees("The undo is done. Press Esc to go back")
            await admin.press("escape")
            await admin.sees("root undo +1 ~1 -1", "undone")

    async def test_single_changes_can_be_skipped(self, filled: Filled) -> None:
        workspace = filled(*USERS)
        synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "u")
            await admin.sees("+ create bert")
            await admin.press("space", "a")
            await admin.sees("skipped 2", "+ skipped bert", "~ skipped anna")
            await admin.press("u")
            await admin.sees("This will: - 1 delete", "Skipped by you: 2.")
            await admin.press("y")
            await admin.sees("Done: - 1 delete skipped 2", "- deleted carla", "~ skipped anna")
            assert set(workspace.snapshot().users) == {"anna", "local", "root"}

    async def test_the_guard_needs_the_exact_number(self, filled: Filled) -> None:
        workspace = filled()
        synchronise(workspace, "anna", "carla")
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "enter")
            await admin.sees("+ created anna")
            await admin.press("u")
            await admin.sees("All 2 managed users would be deleted.")
            await admin.press("u")
            await admin.sees("Type 2 to delete 2 users", "- 2 delete")
            await admin.press("1", "enter")
            await admin.sees("This is not the number of deletions.")
            await admin.press("backspace", "2", "enter")
            await admin.sees("Done: - 2 delete")
            await admin.press("escape")
            await admin.sees("listed undone")
            assert set(workspace.snapshot().users) == {"root"}

    async def test_users_edited_since_are_conflicts(self, filled: Filled) -> None:
        workspace = filled(*USERS)
        synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await see_undo(admin)
            edit_elsewhere(workspace, "anna")
            await admin.sees("! conflict anna", "+ 1 create - 1 delete ! 1 conflict")
            await admin.press("end", "space")
            await admin.sees("Conflicts are never applied.", "was changed since")

    async def test_what_changed_while_the_question_was_open_is_refused(
        self, filled: Filled
    ) -> None:
        workspace = filled(*USERS)
        synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await ask_to_undo(admin)
            generation = edit_elsewhere(workspace, "anna")
            await admin.press("y")
            await admin.sees("The plan is stale", "user “anna” was changed")
            assert workspace.snapshot().generation == generation
            await admin.press("enter")
            await admin.sees("! conflict anna")

    async def test_a_total_that_grew_meanwhile_leads_to_a_new_preview(self, filled: Filled) -> None:
        users = [managed(f"u{number}") for number in range(9)]
        workspace = filled(*users, guard_max_deletes=3)
        names = [user.user_name for user in users]
        apply_plan(workspace, preview(workspace, answer(*map(listed, [*names, "new", "newer"]))))
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "u")
            await admin.sees("- 2 delete")
            await admin.press("u")
            await admin.sees("Undo now?")
            other = beside(workspace)
            left = answer(*map(listed, [*names[2:], "new", "newer"]))
            apply_plan(other, preview(other, left))
            other.close()
            await admin.press("y")
            await admin.sees("The delete guard stopped this undo", "Make a new preview")
            await admin.press("enter")
            await admin.sees("4 with those of the last 24 hours")
            await admin.press("u")
            await admin.sees("to delete")
            await admin.press("2", "enter")
            await admin.sees("Done: - 2 delete")

    async def test_a_run_that_is_folded_by_its_own_undo(self, filled: Filled) -> None:
        workspace = filled(history_max_mib=1)
        change = RunChange(
            action="create",
            user_name="anna",
            reason="x" * (1 << 20),
            archive=None,
            old=None,
            new={**managed("anna").to_row()},
        )
        summary = RunSummary(
            id="old", kind="sync", who="cron", at="2026-01-01T00:00:00+00:00", counts={"create": 1}
        )
        run = Run(summary=replace(summary, listed=1, guarded=True), changes=[change])
        workspace.store.apply(Batch([Edit.create(managed("anna"))], run=run))
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "u")
            await admin.sees("- delete anna")
            await admin.press("u")
            await admin.sees("to delete")
            await admin.press("1", "enter")
            await admin.sees("Done: - 1 delete")
            await admin.pilot.pause(0.5)
            await admin.sees("Done: - 1 delete", "- deleted anna")
            assert workspace.snapshot().history.folded_counts == {"create": 1}

    async def test_what_is_being_taken_back_is_not_left(self, filled: Filled) -> None:
        workspace = filled(*USERS)
        synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await ask_to_undo(admin)
            with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
                await admin.press("y")
                await admin.sees("Writing ...")
                for key in ("escape", "u", "space"):
                    await admin.press(key)
                    await admin.sees("The changes are being written; wait a moment.")
            await admin.sees("Done: + 1 create ~ 1 update - 1 delete")

    async def test_a_filter_that_matches_nothing_leaves_nothing_to_skip(
        self, filled: Filled
    ) -> None:
        workspace = filled(*USERS)
        synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await see_undo(admin)
            await admin.press("slash")
            await admin.type("nobody at all")
            await admin.press("enter")
            for key in ("space", "a"):
                await admin.press(key)
                await admin.sees("This list is empty.")
                admin.app.screen.query_one(Note).hide()
            await admin.press("escape")
            await admin.sees("+ 1 create ~ 1 update - 1 delete", "of 3")
            assert "skipped" not in admin.text

    async def test_what_is_confirmed_is_applied_whatever_is_skipped_while_mail_is_counted(
        self, filled: Filled
    ) -> None:
        gate, slow = gated(filled(*USERS))
        synchronise(slow)
        give_mail(slow, "carla")
        async with driving(slow, **ROOT) as admin:
            await see_undo(admin)
            await admin.press_until_it_waits("u", gate)
            await admin.press("space")
            await admin.sees("+ skipped bert")
            gate.open()
            await admin.sees("This will: + 1 create ~ 1 update - 1 delete")
            await admin.press("y")
            await admin.sees("Done: + 1 create ~ 1 update - 1 delete", "+ created bert")

    async def test_settings_that_came_back_are_named(self, filled: Filled) -> None:
        workspace = filled(*USERS)
        configure(workspace, {"auto_delete": False})
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "u")
            await admin.sees("No user changes.", "~ setting auto_delete: false -> true")
            await admin.press("w")
            await admin.sees("No user changes. with old passwords ~ setting auto_delete")
            await admin.press("w")
            await admin.press("u", "y")
            await admin.sees("Done: no user was changed Restored 1 setting: auto_delete.")
        assert workspace.snapshot().settings.auto_delete

    async def test_nothing_to_take_back(self, filled: Filled) -> None:
        workspace = filled(*USERS)
        run = synchronise(workspace)
        plan = undo_preview(workspace, run)
        apply_plan(workspace, plan)
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "down", "u")
            await admin.sees("! 3 conflict")
            await admin.press("u")
            await admin.sees("The plan has nothing to undo.")
