"""Saved plans: applied verbatim, once, and only while they fit."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store.interface import Batch, Edit
from store.models import User
from sync.directory.listing import Listing
from sync.errors import AlreadyApplied, PlanFileError, StalePlan
from sync.planning.plan import Answers
from sync.runs.apply import apply_plan
from sync.runs.plan_file import answer_differences, listing_digest, load_plan, save_plan
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace, open_workspace
from tests.support.both_stores import content
from tests.support.builders import AUTO_DELETE, answer, listed, managed
from tests.support.replaced import failing, is_folder

pytestmark = pytest.mark.both_stores
Fill = Callable[..., Workspace]
HASH = "$2b$04$SECRETHASHSECRETHASHSECRETHASH"
DIRECTORY = answer(
    listed("anna", "a@x.org", full="Anna"), listed("carla", "c@x.org"), listed("dora", dn="CN=9")
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


@pytest.fixture
def filled(fill: Fill) -> Workspace:
    filled = fill(
        managed("anna", password_hash=HASH),
        managed("bert"),
        managed("dieter", distinguished_name="CN=9"),
        User(user_name="local", password_hash=HASH),
        settings=replace(AUTO_DELETE, password="TOKEN"),
    )
    filled.archives(AUTO_DELETE).create("bert")
    return filled


def save(workspace: Workspace, path: Path, directory: Listing = DIRECTORY) -> None:
    plan = preview(workspace, directory, answers=Answers.of(rename=["dora"]))
    save_plan(workspace, path, plan, directory)


def edit(workspace: Workspace, name: str, **fields: Any) -> None:
    user = workspace.snapshot().find(name)
    assert user
    workspace.store.apply(Batch([Edit.update(user, replace(user, **fields))]))


def test_it_is_applied_verbatim(filled: Workspace, path: Path) -> None:
    direct = preview(filled, DIRECTORY, answers=Answers.of(rename=["dora"]))
    save_plan(filled, path, direct, DIRECTORY)
    saved = load_plan(filled, path)
    assert saved.plan == direct
    assert saved.plan.id == direct.id
    result = apply_plan(filled, saved.plan)
    assert [(c.action, c.user_name) for c in result.applied] == [
        ("create", "carla"),
        ("update", "anna"),
        ("delete", "bert"),
        ("rename", "dora"),
    ]
    users = filled.snapshot().users
    assert sorted(users) == ["anna", "carla", "dora", "local"]
    assert users["anna"]["password_hash"] == HASH


def test_it_is_private_new_and_without_secrets(filled: Workspace, path: Path) -> None:
    save(filled, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.glob("*plan*")] == ["plan.json"]
    assert "SECRET" not in path.read_text()
    assert "TOKEN" not in path.read_text()
    content = path.read_bytes()
    with pytest.raises(PlanFileError, match="already"):
        save(filled, path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there(filled: Workspace, path: Path) -> None:
    with pytest.raises(PlanFileError, match="cannot be written"):
        save(filled, path / "plan.json")


def test_it_is_applied_once(filled: Workspace, path: Path) -> None:
    save(filled, path)
    apply_plan(filled, load_plan(filled, path).plan)
    before = content(filled)
    with pytest.raises(AlreadyApplied, match=r"applied on .* already"):
        load_plan(filled, path)
    assert content(filled) == before


def test_a_plan_kept_in_memory_is_applied_once_too(filled: Workspace) -> None:
    plan = preview(filled, DIRECTORY)
    apply_plan(filled, plan)
    with pytest.raises(AlreadyApplied):
        apply_plan(filled, plan)


class TestUndo:
    """The undo of a run is saved like any plan; local passwords come back from the history."""

    @pytest.fixture
    def run(self, filled: Workspace) -> str:
        filled.store.apply(Batch([Edit.create(managed("erna", password_hash=HASH))]))
        run = apply_plan(filled, preview(filled, DIRECTORY), allow_deletes=2).run
        assert run
        assert not filled.snapshot().find("erna")
        return run

    def test_it_is_applied_verbatim_once_and_without_secrets(
        self, filled: Workspace, path: Path, run: str
    ) -> None:
        direct = undo_preview(filled, run)
        save_plan(filled, path, direct)
        assert "SECRET" not in path.read_text()
        saved = load_plan(filled, path)
        assert (saved.plan, saved.plan.id) == (direct, direct.id)
        apply_plan(filled, saved.plan)
        erna = filled.snapshot().find("erna")
        assert erna
        assert (erna.password_hash, erna.pinned) == (HASH, True)
        (_, undo) = filled.snapshot().history.runs
        assert (undo.kind, undo.undoes) == ("undo", run)
        with pytest.raises(AlreadyApplied):
            load_plan(filled, path)

    def test_who_was_changed_since_makes_it_stale(
        self, filled: Workspace, path: Path, run: str
    ) -> None:
        save_plan(filled, path, undo_preview(filled, run))
        edit(filled, "anna", full_name="Other")
        with pytest.raises(StalePlan, match="user “anna” was changed"):
            load_plan(filled, path)


class TestStale:
    def differences(self, workspace: Workspace, path: Path) -> list[str]:
        before = content(workspace)
        with pytest.raises(StalePlan) as stale:
            load_plan(workspace, path)
        assert content(workspace) == before
        return stale.value.differences

    def test_every_difference_is_listed(self, filled: Workspace, path: Path) -> None:
        save(filled, path)
        edit(filled, "anna", full_name="Other")
        filled.store.apply(Batch([Edit.create(managed("carla"))]))
        bert = filled.snapshot().find("bert")
        assert bert
        filled.store.apply(Batch([Edit.delete(bert)]))
        settings = replace(AUTO_DELETE, default_privileges=("export",), max_users=5)
        filled.store.apply(Batch(settings=settings))
        found = self.differences(filled, path)
        assert found[:2] == [
            "the setting default_privileges was changed",
            "the setting max_users was changed",
        ]
        assert sorted(text.split(" on ")[0] for text in found[2:]) == [
            "user “anna” was changed",
            "user “bert” was deleted",
            "user “carla” was added",
        ]

    def test_only_settings(self, filled: Workspace, path: Path) -> None:
        save(filled, path)
        filled.store.apply(Batch(settings=replace(AUTO_DELETE, auto_delete=False)))
        assert self.differences(filled, path) == ["the setting auto_delete was changed"]

    def test_untouched_users_and_secrets_do_not_matter(self, filled: Workspace, path: Path) -> None:
        save(filled, path)
        edit(filled, "local", full_name="Other")
        filled.store.apply(Batch(settings=replace(AUTO_DELETE, password="NEW", login_timeout=3)))
        assert len(apply_plan(filled, load_plan(filled, path).plan).applied) == 4

    def test_a_change_between_loading_and_applying(self, filled: Workspace, path: Path) -> None:
        save(filled, path)
        plan = load_plan(filled, path).plan
        edit(filled, "anna", full_name="Other")
        with pytest.raises(StalePlan, match="user “anna” was changed"):
            apply_plan(filled, plan)

    def test_an_address_that_an_untouched_user_got_meanwhile(
        self, filled: Workspace, path: Path
    ) -> None:
        save(filled, path)
        edit(filled, "local", email_addresses=["C@x.org"])
        (found,) = self.differences(filled, path)
        assert "“carla”: the address “c@x.org” belongs to “local”" in found

    def test_another_store_with_the_same_key(
        self, filled: Workspace, path: Path, new_store: Callable[[str], str]
    ) -> None:
        save(filled, path)
        other = open_workspace(new_store("other.json"), path.parent / "secret.key")
        other.store.apply(Batch([Edit.create(managed("anna"))], settings=AUTO_DELETE))
        with pytest.raises(StalePlan, match="another store"):
            load_plan(other, path)
        other.close()


class TestAnswer:
    def test_the_order_of_the_answer_does_not_matter(self) -> None:
        shuffled = answer(*reversed(DIRECTORY.users))
        assert listing_digest(shuffled) == listing_digest(DIRECTORY)
        assert listing_digest(answer(*DIRECTORY.users[1:])) != listing_digest(DIRECTORY)

    def test_a_user_who_came_back(self, filled: Workspace, path: Path) -> None:
        save(filled, path)
        saved = load_plan(filled, path)
        assert answer_differences(filled, saved, DIRECTORY) == []
        again = answer(*DIRECTORY.users, listed("bert"))
        assert answer_differences(filled, saved, again) == [
            "the directory's answer changed (3 users then, 4 now)",
            "“bert”: delete then, no change now",
        ]

    def test_other_values(self, filled: Workspace, path: Path) -> None:
        save(filled, path)
        saved = load_plan(filled, path)
        changed = answer(listed("anna", "a@x.org", full="A."), *DIRECTORY.users[1:])
        assert answer_differences(filled, saved, changed) == [
            "the directory's answer changed (3 users then, 3 now)",
            "“anna”: update then, update now, with other values",
        ]


class TestUnusable:
    @pytest.fixture
    def saved(self, filled: Workspace, path: Path) -> bytes:
        save(filled, path)
        return path.read_bytes()

    def refused(self, workspace: Workspace, path: Path, says: str) -> None:
        before = content(workspace)
        with pytest.raises(PlanFileError, match=says):
            load_plan(workspace, path)
        assert content(workspace) == before

    def test_cut_off_anywhere(self, filled: Workspace, path: Path, saved: bytes) -> None:
        for end in range(0, len(saved) - 2, 97):
            path.write_bytes(saved[:end])
            self.refused(filled, path, "is not a complete plan")

    @pytest.mark.parametrize("content", ["[]", "{}", "null", '{"mailroster_plan": 1}', "\0"])
    def test_something_else(
        self, filled: Workspace, path: Path, saved: bytes, content: str
    ) -> None:
        path.write_text(content)
        self.refused(filled, path, "is not a complete plan")

    def test_another_version(self, filled: Workspace, path: Path, saved: bytes) -> None:
        path.write_bytes(saved.replace(b'"mailroster_plan":1', b'"mailroster_plan":2'))
        self.refused(filled, path, "has version 2, but this mailroster reads version 1")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b'"login"', b'"admin"'),
            (b'"action":"delete"', b'"action":"update"'),
            (b'"carla"', b'"mallo"'),
            (b'"signature":"', b'"signature":"0'),
        ],
    )
    def test_changed_by_hand(
        self, filled: Workspace, path: Path, saved: bytes, old: bytes, new: bytes
    ) -> None:
        assert old in saved
        path.write_bytes(saved.replace(old, new, 1))
        self.refused(filled, path, "was changed after it was made")

    def test_made_with_another_key(self, filled: Workspace, path: Path, saved: bytes) -> None:
        key = path.parent / "secret.key"
        key.unlink()
        self.refused(filled, path, "made with another key")
        assert not key.exists()

    def test_signed_but_incomplete(self, filled: Workspace, path: Path, saved: bytes) -> None:
        whole = json.loads(saved)
        del whole["plan"]["guard"]
        content = json.dumps(whole["plan"], separators=(",", ":"), ensure_ascii=False)
        whole["signature"] = filled.secrets.sign(content.encode())
        path.write_text(json.dumps(whole, ensure_ascii=False))
        self.refused(filled, path, "is incomplete")

    def test_far_too_large(self, filled: Workspace, path: Path, saved: bytes) -> None:
        load_plan(filled, path, largest=len(saved))
        with pytest.raises(PlanFileError, match="is far too large for a plan"):
            load_plan(filled, path, largest=len(saved) - 1)

    def test_a_signature_that_is_no_ascii(
        self, filled: Workspace, path: Path, saved: bytes
    ) -> None:
        whole = json.loads(saved)
        whole["signature"] = "ü" * 64
        path.write_text(json.dumps(whole, ensure_ascii=False))
        self.refused(filled, path, "was changed after it was made")

    @pytest.mark.parametrize("depth", [300, 5000])
    def test_nested_deeper_than_a_plan(
        self, filled: Workspace, path: Path, saved: bytes, depth: int
    ) -> None:
        nested = b"[" * depth + b"]" * depth
        path.write_bytes(re.sub(rb'"plan":.*', b'"plan":{"id":%b}}' % nested, saved))
        self.refused(filled, path, "is not a complete plan")

    @pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
    def test_what_has_no_end(self, filled: Workspace, path: Path, make: Any) -> None:
        """Nobody waits for it, nor reads it."""
        make(path)
        self.refused(filled, path, "cannot be read: it is not a regular file")

    @pytest.mark.parametrize("has_links", [True, False])
    def test_one_that_is_not_durable_is_not_there(
        self, filled: Workspace, path: Path, has_links: bool
    ) -> None:
        filled.secrets.sign(b"")  # makes the key
        with (
            failing(os, "link", errno.EPERM, lambda *_: not has_links),
            failing(os, "fsync", errno.EIO, is_folder),
            pytest.raises(PlanFileError, match="No plan was saved"),
        ):
            save(filled, path)
        assert not path.exists()

    def test_not_there(self, filled: Workspace, path: Path) -> None:
        self.refused(filled, path, "cannot be read: No such file")
