"""History: the runs, one run in full, pinned users, reports; undo has test_undo.py."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store.errors import StoreUnreachable
from store.files.lock import writer_lock
from store.interface import Batch, Edit, Snapshot
from sync.configure import configure
from sync.directory.listing import Listing
from sync.runs.apply import apply_plan
from sync.runs.by_hand import pinned_users, rename_user
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.archived_mail import give_mail
from tests.support.builders import answer, listed, managed, stored
from tests.support.directory import Directory
from tests.support.wrapped_store import with_store
from tests.tui.driver import driving
from tests.tui.past_runs import HOSTILE, ROOT, USERS, beside, edit_elsewhere, synchronise
from tui.widgets.note import Note

Filled = Callable[..., Workspace]


async def test_an_empty_history_says_so(filled: Filled) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f7")
        await admin.sees("No run changed anything yet.")
        for key in ("enter", "u", "e"):
            await admin.press(key)
            await admin.sees("This list is empty.")


async def test_runs_are_listed_newest_first(filled: Filled) -> None:
    workspace = filled(*USERS, guard_max_deletes=0)
    synchronise(workspace)
    synchronise(workspace, "anna", "carla", "dora", who="eve")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f7")
        await admin.sees("eve sync +1", "cron sync +1 ~1 -1 !1 guard opened 2", "1 of 2")
        assert admin.words.index("eve") < admin.words.index("cron")
        await admin.press("slash")
        await admin.type("cron")
        await admin.sees("(all: 2)")
        assert "eve sync" not in admin.words


async def test_mail_that_cannot_be_counted_is_not_said_to_be_counted(filled: Filled) -> None:
    workspace = filled(*USERS)
    give_mail(workspace, "bert")
    synchronise(workspace)
    is_down = False

    def snapshot() -> Snapshot:
        if is_down:
            raise StoreUnreachable("The database does not answer.", "Try again later.")
        return workspace.store.snapshot()

    async with driving(with_store(workspace, snapshot=snapshot), **ROOT) as admin:
        await admin.press("f7", "enter")
        await admin.sees("- deleted bert")
        is_down = True
        await admin.press("down", "down")
        await admin.sees("- deleted bert", "The database does not answer.")
        assert "being counted" not in admin.text


async def test_renames_that_were_done_and_such_that_stayed_a_question_differ(
    filled: Filled,
) -> None:
    workspace = filled(managed("anna"), managed("bert", email_addresses=["b@x.org"]))
    rename_user(replace(workspace, who="root"), stored(workspace, "anna"), "anne")
    asked = answer(listed("anne", full="Anne"), listed("berta", "b@x.org"))
    apply_plan(replace(workspace, who="cron"), preview(workspace, asked))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f7")
        await admin.sees("cron sync ~1 ?1", "root rename >1")
        await admin.press("enter")
        await admin.sees("~ 1 update ? 1 question", "? rename berta")


async def test_the_oldest_are_a_line_of_counts(filled: Filled) -> None:
    workspace = filled()
    synchronise(workspace, "anna")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f7")
        await admin.sees("cron sync")
        history = replace(
            admin.app.snapshot.history, folded_runs=1234, folded_counts={"create": 9, "delete": 0}
        )
        admin.app.take(replace(admin.app.snapshot, history=history))
        await admin.sees("1 234 older runs, kept as counts only: + 9 create.")


async def test_a_run_in_full(filled: Filled) -> None:
    workspace = filled(*USERS, guard_max_deletes=0)
    synchronise(workspace)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f7", "enter")
        await admin.sees("Sync by cron on 20", "generation 2", "Delete guard: 1 deletion")
        await admin.sees("The number of deletions was confirmed.", "+ created carla")
        await admin.sees("privileges (none) -> Log on", "rights on folders (none) -> carla: read")
        await admin.press("down")
        await admin.sees("full name Anna -> Anna Berg")
        await admin.press("down")
        await admin.sees("- deleted bert", "authentication Directory Services -> (none)")
        await admin.sees("privileges Log on, Export E-mail")
        await admin.press("down")
        await admin.sees("! conflict local", "a local user has this name")
        assert "SECRET" not in admin.text
        await admin.press("slash")
        await admin.type("bert")
        await admin.sees("1 of 1 (all: 4)")
        await admin.press("escape")
        await admin.sees("of 4")
        await admin.press("escape")
        await admin.sees("When (UTC)")
        await admin.press("escape")
        await admin.sees("Test Settings (t)")


async def test_a_run_tells_its_warnings_and_the_deletions_held_back(filled: Filled) -> None:
    workspace = filled(managed("anna"), managed("bert"))
    told = [f"address {number} was dropped" for number in range(6)]
    plan = preview(workspace, Listing([listed("carla")], [], told))
    apply_plan(replace(workspace, who="cron"), plan, hold_deletes=True)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f7", "enter")
        await admin.sees("Deletions held back: 2.", f"6 warnings: {'; '.join(told[:5])}")
        assert told[5] not in admin.words


async def test_a_lost_record_is_told(filled: Filled) -> None:
    workspace = filled(*USERS)
    run = synchronise(workspace)
    Path(f"{workspace.host_path}.history", f"{run}.json").unlink()
    async with driving(workspace, **ROOT) as admin:
        for key, action in (("enter", "Details"), ("u", "Undo")):
            await admin.press("f7", key)
            await admin.sees(f"Not done: {action}", "is gone")
            await admin.press("enter")
            await admin.sees("When (UTC)")


async def test_hostile_text_is_shown_and_never_obeyed(filled: Filled) -> None:
    workspace = filled(managed("zoe", full_name=HOSTILE), managed("y" * 200))
    directory = answer(listed(HOSTILE, full=HOSTILE), listed("zoe", dn=HOSTILE), listed("x" * 200))
    apply_plan(replace(workspace, who=HOSTILE), preview(workspace, directory), allow_deletes=1)
    async with driving(workspace, **ROOT) as admin:
        for keys in (("f7",), ("enter",), ("down", "down"), ("u", "down"), ("u",), ("n", "escape")):
            await admin.press(*keys)
            assert not any(char in admin.text for char in "\x1b\x07\u202e")
        await admin.press("escape", "f7")
        await admin.pilot.resize_terminal(90, 24)
        await admin.sees("[/]")
        assert admin.app.is_running


async def test_another_administrators_sync_appears_by_itself(filled: Filled) -> None:
    workspace = filled(*USERS)
    other = beside(workspace)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f7")
        await admin.sees("No run changed anything yet.")
        synchronise(other, who="eve")
        await admin.sees("eve sync +1 ~1 -1 !1")
        await admin.press("enter")
        await admin.sees("+ created carla")
        apply_plan(other, undo_preview(other, other.snapshot().history.runs[-1].id))
        await admin.sees("listed undone")
    other.close()


async def test_read_only_shows_all_and_writes_nothing(filled: Filled, tmp_path: Path) -> None:
    workspace = filled(*USERS, managed("kept", pinned=True))
    synchronise(workspace)
    before = workspace.host_path.read_bytes()
    async with driving(workspace, readonly=True, **ROOT) as admin:
        await admin.press("f7", "u")
        await admin.sees("+ create bert", "u Undo now")
        assert not admin.app.screen.active_bindings["u"].enabled
        await admin.press("u")
        await admin.sees("This session is read-only (--readonly).")
        await admin.press("escape", "p")
        await admin.sees("kept")
        assert not admin.app.screen.active_bindings["r"].enabled
        await admin.press("r")
        await admin.sees("This session is read-only (--readonly).")
        assert workspace.host_path.read_bytes() == before


class TestPinned:
    async def test_they_are_listed_and_released(self, filled: Filled) -> None:
        names = ("anna", "bert", "carla")
        workspace = filled(*(managed(name, pinned=True) for name in names), managed("dora"))
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "p")
            await admin.sees(
                "Syncs do not delete these users until you release them.",
                "anna",
                "bert",
                "carla",
                "1 of 3",
            )
            assert "dora" not in admin.text
            await admin.press("enter")
            await admin.sees("Pinned:", "by hand or an undo")
            await admin.press("escape", "space", "space", "r")
            await admin.sees("Release 2 users?", "anna", "bert")
            await admin.press("y")
            await admin.sees("Released 2 users. Syncs may delete them again.", "1 of 1")
            assert [user.user_name for user in pinned_users(workspace.snapshot())] == ["carla"]
            await admin.press("m", "escape")
            await admin.sees("Pinned user")
            await admin.press("r")
            await admin.sees("Release carla?")
            await admin.press("y")
            await admin.sees("No user is pinned.")
            await admin.press("r")
            await admin.sees("This list is empty.")
            await admin.press("escape")
            await admin.sees("root release ~1 carla", "root release ~2", "2 of 2")

    async def test_a_no_releases_nobody_and_escape_leaves_the_filter_first(
        self, filled: Filled
    ) -> None:
        workspace = filled(*(managed(name, pinned=True) for name in ("anna", "bert")))
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "p", "slash")
            await admin.type("bert")
            await admin.press("enter", "space")
            await admin.sees("1 of 1 (all: 2), 1 marked")
            await admin.press("r")
            await admin.sees("Release bert?")
            await admin.press("n")
            assert len(pinned_users(workspace.snapshot())) == 2
            await admin.press("escape")
            await admin.sees("of 2, 1 marked", "Pinned user")
            await admin.press("escape")
            await admin.sees("Pinned user")
            assert "marked" not in admin.text
            await admin.press("escape")
            await admin.sees("When (UTC)")

    async def test_what_is_being_released_is_neither_released_again_nor_left(
        self, filled: Filled
    ) -> None:
        workspace = filled(managed("anna", pinned=True))
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "p", "r")
            await admin.sees("Release anna?")
            with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
                await admin.press("y")
                await admin.sees("Waiting for it.")
                for key in ("r", "escape"):
                    await admin.press(key)
                    await admin.sees("This is being saved; wait a moment.", "Pinned user")
                    admin.app.screen.query_one(Note).hide()
            await admin.sees("Released anna.", "No user is pinned.")

    async def test_who_was_released_elsewhere_leaves_the_list(self, filled: Filled) -> None:
        workspace = filled(managed("anna", pinned=True))
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "p", "r")
            await admin.sees("Release anna?")
            other = beside(workspace)
            anna = other.snapshot().find("anna")
            assert anna
            other.store.apply(Batch([Edit.update(anna, replace(anna, pinned=False))]))
            other.close()
            await admin.press("y")
            await admin.sees("The user “anna” is not pinned.")
            await admin.press("enter")
            await admin.sees("No user is pinned.")


class TestReport:
    @pytest.fixture(autouse=True)
    def somewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    async def test_of_a_run(self, filled: Filled, tmp_path: Path) -> None:
        workspace = filled(*USERS)
        run = synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "e")
            await admin.sees("Write a report", f"mailroster-run-{run}.json")
            await admin.press("enter")
            await admin.sees("Wrote the report to")
            file = tmp_path / f"mailroster-run-{run}.json"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            record = json.loads(file.read_text())
            assert (record["run"]["id"], record["counts"]["delete"]) == (run, 1)
            assert "SECRET" not in file.read_text()

            await admin.press("enter")
            await admin.sees("+ created carla")
            await admin.press("e")
            await admin.sees("A file of this name exists already. Choose another name.")
            await admin.press("enter")
            await admin.sees("Write a report")
            await admin.press("ctrl+u")
            await admin.type("run.txt")
            await admin.sees("neither a .json nor a .csv file")
            await admin.press("ctrl+u")
            await admin.type("run.csv")
            await admin.press("enter")
            await admin.sees("Wrote the report to")
            rows = list(csv.DictReader((tmp_path / "run.csv").read_text().splitlines()))
            assert "sync by cron on 20" in rows[0]["reason"]
            assert {row["action"] for row in rows[1:]} == {"create", "update", "delete", "conflict"}

    async def test_that_cannot_be_written(self, filled: Filled) -> None:
        workspace = filled(*USERS)
        synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "e", "ctrl+u")
            for name in ("nowhere/run.csv", "~nobody/run.csv"):
                await admin.press("ctrl+u")
                await admin.type(name)
                await admin.press("enter")
                await admin.sees("This folder does not exist.", "Write a report")
            await admin.press("ctrl+u")
            await admin.type("run.csv")
            await admin.sees("run.csv")
            Path("run.csv").mkdir()
            await admin.press("ctrl+e", "enter")
            await admin.sees("Enter the name of a new file.")

    async def test_of_a_sync_that_failed_was_planned_and_was_done(
        self, filled: Filled, directory: Directory, tmp_path: Path
    ) -> None:
        async def report(name: str) -> dict[str, Any]:
            await admin.press("e")
            await admin.sees("Write a report")
            await admin.press("ctrl+u")
            await admin.type(name)
            await admin.press("enter")
            for _ in range(100):
                if (tmp_path / name).exists():
                    break
                await admin.pilot.pause(0.05)
            record: dict[str, Any] = json.loads((tmp_path / name).read_text())
            return record

        workspace = filled(url="http://127.0.0.1:1/")
        directory.put("anna")
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f5", "e")
            await admin.sees("This screen has nothing to report yet.")
            await admin.press("t")
            await admin.sees("Not done: Test Settings")
            await admin.press("enter")
            failed = await report("failed.json")
            assert (failed["status"], failed["error"]["kind"]) == ("error", "connection_failed")
            configure(workspace, {"url": directory.url})
            await admin.app.reload()
            await admin.press("t")
            await admin.sees("+ 1 create")
            planned = await report("planned.json")
            assert (planned["status"], planned["error"]) == ("changes_pending", None)
            await admin.press("s")
            await admin.sees("Synchronize now?")
            await admin.press("y")
            await admin.sees("Done: + 1 create")
            done = await report("done.json")
            assert (done["status"], done["run"]["who"]) == ("applied", "root")

    async def test_of_an_undo_that_failed_and_one_that_did_not(
        self, filled: Filled, tmp_path: Path
    ) -> None:
        workspace = filled(*USERS)
        run = synchronise(workspace)
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f7", "u")
            await admin.sees("~ update anna")
            await admin.press("u")
            await admin.sees("Undo now?")
            edit_elsewhere(workspace, "anna")
            await admin.press("y")
            await admin.sees("The plan is stale")
            await admin.press("enter", "e", "enter")
            await admin.sees("Wrote the report to")
            record = json.loads((tmp_path / f"mailroster-undo-{run}.json").read_text())
            assert (record["status"], record["error"]["kind"]) == ("error", "stale_plan")
            assert len(record["changes"]) == 3

            await admin.press("u")
            await admin.sees("Undo now?")
            await admin.press("y")
            await admin.sees("Done: + 1 create - 1 delete")
            await admin.press("e", "ctrl+u")
            await admin.type("done.json")
            await admin.press("enter")
            await admin.sees("Wrote the report to")
            record = json.loads((tmp_path / "done.json").read_text())
            assert (record["status"], record["run"]["undoes"]) == ("applied", run)
