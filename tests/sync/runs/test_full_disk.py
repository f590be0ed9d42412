"""No room, at every write of a sync: said so, nothing half, and on it goes once there is room."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store.errors import StoreFull
from store.files.attempts import AttemptsUnwritable
from store.interface import Batch, Edit
from store.models import Settings, User
from sync.planning.plan import Answers
from sync.runs.apply import apply_plan
from sync.runs.folders import try_folder_work
from sync.runs.preview import preview
from sync.workspace import Workspace, open_workspace
from tests.support.archived_mail import left_behind
from tests.support.builders import answer, listed, managed
from tests.support.command_line import CommandLine
from tests.support.replaced import in_place_of
from tui.cli.exit_codes import exit_code_of

ANSWER = answer(listed("new", "new@example.com"), listed("kept", full="K"), listed("after", dn="D"))
MAIL = "1:2,S"


def filled(folder: Path) -> Workspace:
    """A store of which one sync creates, updates, deletes and renames somebody with mail."""
    workspace = open_workspace(str(folder / "users.json"), folder / "secret.key")
    users = [managed("kept"), managed("gone"), managed("before", distinguished_name="D")]
    settings = Settings(auto_delete=True, guard_max_delete_percent=100, guard_small_deletes=9)
    workspace.store.apply(Batch(list(map(Edit.create, users)), settings=settings))
    archives = workspace.archives(settings)
    archives.create("before")
    (archives.path("before") / "cur" / MAIL).write_text("mail")
    return workspace


def sync(workspace: Workspace) -> None:
    plan = preview(workspace, ANSWER, answers=Answers.of(rename=["after"]))
    assert sorted(change.action for change in plan.changes) == [
        "create",
        "delete",
        "rename",
        "update",
    ]
    apply_plan(workspace, plan, allow_deletes=1)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("A FULL DISK IS NOT TRIED: only root can mount a small one here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextmanager
def room_for(pages: int, disk: Path) -> Iterator[None]:
    """Fill the disk up to so many pages of 4 KiB."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail - pages
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free) * 4096)
    try:
        yield
    finally:
        filler.unlink()


def check_nothing_happened(workspace: Workspace, folder: Path, content: bytes) -> None:
    assert workspace.host_path.read_bytes() == content
    on_disk = open_workspace(str(workspace.host_path), folder / "secret.key")
    assert workspace.snapshot() == on_disk.snapshot(), "memory equals disk"
    on_disk.close()
    archive = workspace.archives(workspace.snapshot().settings)
    assert (archive.path("before") / "cur" / MAIL).read_text() == "mail"
    assert not list(folder.glob(".users.json*"))


def check_done(workspace: Workspace) -> None:
    assert set(workspace.snapshot().users) == {"new", "kept", "after"}
    try_folder_work(workspace)  # where the disk was full by then
    archives = workspace.archives(workspace.snapshot().settings)
    assert (archives.path("after") / "cur" / MAIL).read_text() == "mail"
    (run,) = workspace.snapshot().history.runs
    records = workspace.host_path.with_name("users.json.history")
    assert [record.stem for record in records.iterdir()] == [run.id]
    assert not list(workspace.host_path.parent.glob(".*"))
    assert left_behind(workspace) == []


def until_it_fits(
    folder: Path, limits: Iterator[int], limited: Callable[[int], object]
) -> list[str]:
    """Sync under ever wider limits until it succeeds; return what was said before."""
    workspace = filled(folder)
    content = workspace.host_path.read_bytes()
    said = []
    for limit in limits:
        try:
            with limited(limit):  # type: ignore[attr-defined]
                sync(workspace)
        except StoreFull as error:
            said.append(f"{exit_code_of(error)}: {error}")
            check_nothing_happened(workspace, folder, content)
        else:
            check_done(workspace)
            workspace.close()
            return said
    raise AssertionError("it never fitted")


def test_a_limit_at_every_write(tmp_path: Path) -> None:
    said = until_it_fits(tmp_path, iter(range(0, 100_000, 128)), no_file_above)
    for what in ("history", "store"):
        assert any(f"The {what}" in text for text in said), what
    assert all(text.startswith("22: ") and "room" in text for text in said)


def test_a_full_disk_at_every_write(small_disk: Path) -> None:
    said = until_it_fits(small_disk, iter(range(256)), lambda pages: room_for(pages, small_disk))
    assert said
    assert all(text.startswith("22: ") and "No space left" in text for text in said)


def test_a_command_ends_with_22_and_works_again_with_room(tmp_path: Path) -> None:
    mailroster = CommandLine(tmp_path, warm=False)
    words = ("users", "add", "anna", "--privilege", "admin")
    assert mailroster(*words, stdin="correct horse battery").code == 0
    content = mailroster.store.read_bytes()
    with no_file_above(100):
        done = mailroster("users", "edit", "anna", "--full-name", "A", "--json")
    assert (done.code, done.json["error"]["kind"]) == (22, "store_full")
    assert "No user was changed. Make room on the disk and try again." in done.err
    assert mailroster.store.read_bytes() == content
    assert mailroster("users", "edit", "anna", "--full-name", "A").code == 0
    assert mailroster("store", "check").code == 0


def test_a_user_by_hand_and_a_key(small_disk: Path) -> None:
    workspace = filled(small_disk)
    content = workspace.host_path.read_bytes()
    with room_for(0, small_disk):
        with pytest.raises(StoreFull, match="Make room"):
            workspace.store.apply(Batch([Edit.create(User(user_name="x"))]))
        with pytest.raises(StoreFull, match="The key"):
            workspace.secrets.encrypt("secret")
        check_nothing_happened(workspace, small_disk, content)
    assert workspace.secrets.decrypt(workspace.secrets.encrypt("secret")) == "secret"
    workspace.store.apply(Batch([Edit.create(User(user_name="x"))]))
    assert sorted(path.name for path in small_disk.glob(".*")) == []
    workspace.close()


def test_a_failed_log_on_is_not_counted_in_silence(small_disk: Path) -> None:
    workspace = filled(small_disk)
    lockout = workspace.lockout
    assert not lockout.settle("anna", None, right=False)
    with room_for(0, small_disk):
        with pytest.raises(AttemptsUnwritable, match="Make room"):
            lockout.settle("anna", None, right=False)
        assert not list(small_disk.glob(".*"))
        assert lockout.failures("anna", None)[0].failed == 1
        assert lockout.settle("bert", None, right=True)
    assert not lockout.settle("anna", None, right=False)
    assert lockout.failures("anna", None)[0].failed == 2
    workspace.close()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_first_sync_that_stops_among_its_folders_leaves_none(
    tmp_path: Path, error: BaseException
) -> None:
    workspace = open_workspace(str(tmp_path / "users.json"), tmp_path / "secret.key")
    workspace.store.apply(Batch(settings=Settings()))
    plan = preview(workspace, answer(*map(listed, ["anna", "bert", "carl"])))

    def stops(path: str, *arguments: int, **named: int) -> None:
        if path == "new" and made[-2:] == ["bert", "tmp"]:
            raise error
        made.append(path)
        mkdir(path, *arguments, **named)

    made: list[str] = []
    with in_place_of(os, "mkdir", stops) as mkdir, pytest.raises((StoreFull, KeyboardInterrupt)):
        apply_plan(workspace, plan)
    assert "anna" in made
    assert not workspace.snapshot().users
    assert not (tmp_path / "archive").exists()
    apply_plan(workspace, plan)  # the control
    assert {"anna", "bert", "carl"} <= set(os.listdir(tmp_path / "archive"))
