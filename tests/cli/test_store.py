"""`mailroster store`: what is wrong in words, a copy, and the way back that is never silent."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from functools import partial
from pathlib import Path

import orjson
import pytest

from store.errors import StoreConflict, StoreUnwritable
from store.interface import Batch, Edit
from store.models import Settings, User
from store.tinydb.backups import list_backups
from store.tinydb.restore import replace_unreadable
from sync.workspace import open_workspace
from tests.support.builders import A_RESTORE
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.replaced import failing, in_place_of, is_folder

PASSWORD = "correct horse battery"


@pytest.fixture
def filled(mailroster: CommandLine) -> CommandLine:
    """A store with anna, an administrator who was renamed in full, and bert, who came last."""
    make_administrator(mailroster, "anna")
    assert mailroster("users", "add", "bert", stdin=PASSWORD).code == 0
    assert mailroster("users", "edit", "anna", "--full-name", "Anna A.").code == 0
    return mailroster


def make_administrator(mailroster: CommandLine, name: str) -> None:
    assert mailroster("users", "add", name, "--privilege", "admin", stdin=PASSWORD).code == 0


def newest_record(mailroster: CommandLine) -> Path:
    run = mailroster("history", "list", "--json").json["runs"][-1]["id"]
    return mailroster.store.with_name("users.json.history") / f"{run}.json"


def damage(mailroster: CommandLine, content: str = "{") -> None:
    mailroster.store.write_text(content)


class TestCheck:
    def test_whole(self, filled: CommandLine) -> None:
        done = filled("store", "check")
        assert done.code == 0
        assert "are whole: generation 3, 2 users, 3 runs" in done.out
        shown = filled("store", "check", "--json").json
        assert (shown["status"], shown["store"]["users"], shown["findings"]) == ("ok", 2, [])

    @pytest.mark.parametrize("folder", ["", "not there"])
    def test_no_store_yet(self, tmp_path: Path, folder: str) -> None:
        done = CommandLine(tmp_path / folder)("store", "check")
        assert (done.code, "does not exist yet" in done.out) == (0, True)
        assert not (tmp_path / "not there").exists()

    def test_a_damaged_store_is_named_and_left(self, filled: CommandLine) -> None:
        damage(filled)
        done = filled("store", "check")
        assert done.code == 22
        assert "is not valid JSON" in done.out
        assert "`mailroster store restore`" in done.out
        shown = filled("store", "check", "--json")
        assert (shown.code, shown.json["status"], shown.json["store"]) == (22, "damaged", None)
        assert filled.store.read_text() == "{"

    def test_an_archive_that_is_not_mounted_is_no_damage(
        self, filled: CommandLine, tmp_path: Path
    ) -> None:
        (root := tmp_path / "mail").mkdir()
        assert filled("settings", "set", f"archive_root={root}").code == 0
        assert filled("store", "check").code == 0
        root.rename(tmp_path / "unmounted")
        root.mkdir()
        assert filled("store", "check").code == 23
        list_backups(filled.store)[0].write_text("{}")
        assert filled("store", "check").code == 22

    def test_every_companion_is_looked_at(
        self, connected: CommandLine, directory: Directory
    ) -> None:
        directory.put("carla")
        assert connected("settings", "set", "password", stdin="secret of the service").code == 0
        make_administrator(connected, "root")
        assert connected("sync", "--yes").code == 0
        assert connected("store", "check").code == 0
        path = connected.store
        record = newest_record(connected)
        record.write_bytes(b"")
        attempts = path.with_name("users.json.attempts")
        attempts.write_text("[]")
        newest = list_backups(path)[0]
        newest.unlink()
        newest.write_text("{}")
        key = Path(os.environ["XDG_CONFIG_HOME"]) / "mailroster" / "secret.key"
        key.write_text("nonsense")
        stray = path.with_name(".users.json.99.tmp")
        stray.touch()
        open_to_all = path.parent, path.with_name("users.json.backups")
        for folder in open_to_all:
            folder.chmod(0o777)
        done = connected("store", "check", "--json")
        for folder in open_to_all:
            folder.chmod(0o700)
        assert done.code == 22
        said = {Path(found["path"]).name: found["problem"] for found in done.json["findings"]}
        assert said.keys() == {
            item.name for item in (record, attempts, newest, key, stray, *open_to_all)
        }
        assert "Bring the file back from a backup" in said[record.name]
        assert "then counts anew" in said[attempts.name]
        assert "This backup cannot be used" in said[newest.name]
        assert "Enter the password again" in said[key.name]
        assert "The next write removes it" in said[stray.name]
        assert all("chmod 700" in said[folder.name] for folder in open_to_all)

    def test_failed_log_ons(self, filled: CommandLine) -> None:
        assert filled.log_on("anna", "wrong") == 1
        assert filled("store", "check").code == 0
        attempts = filled.store.with_name("users.json.attempts")
        counted = orjson.loads(attempts.read_bytes())
        counted["users"]["anna"][0] = "many"
        attempts.write_bytes(orjson.dumps(counted))
        done = filled("store", "check")
        assert (done.code, "The count of “anna” among the users is damaged" in done.out) == (
            22,
            True,
        )
        done = filled("login", "anna", stdin=PASSWORD)
        assert (done.code, "`mailroster users unlock NAME`" in done.err) == (111, True)
        assert filled("users", "unlock", "anna").code == 0
        assert filled("login", "anna", stdin=PASSWORD).code == 0
        attempts.write_bytes(b"")
        assert "the file is damaged. Nobody can log on" in filled("store", "check").out
        done = filled("login", "bert", stdin=PASSWORD)
        assert (done.code, "Move that file away" in done.err) == (111, True)
        attempts.unlink()
        attempts.mkdir()
        done = filled("store", "check")
        assert (done.code, "cannot be read: Is a directory" in done.out) == (22, True)
        attempts.rmdir()
        assert filled("store", "check").code == 0

    @pytest.mark.parametrize("ending", [".history", ".attempts", ".backups"])
    def test_open_to_others(
        self, connected: CommandLine, directory: Directory, ending: str
    ) -> None:
        directory.put("carla")
        assert connected("sync", "--yes").code == 0
        place = connected.store.with_name(f"users.json{ending}")
        if ending == ".attempts":
            counts: dict[str, object] = {"pairs": {}, "users": {}, "sources": {}}
            place.write_bytes(orjson.dumps({"key": "00" * 16, **counts}))
        file = place if place.is_file() else next(place.iterdir())
        file.chmod(0o644)
        done = connected("store", "check")
        assert (done.code, "(mode 0644); close it with chmod 600" in done.out) == (22, True)

    @pytest.mark.parametrize("ending", [".history", ".backups"])
    def test_something_in_the_place_of_a_folder(self, filled: CommandLine, ending: str) -> None:
        place = filled.store.with_name(f"users.json{ending}")
        if place.exists():
            place.rename(place.with_suffix(".away"))
        place.touch()
        done = filled("store", "check")
        assert (done.code, "This is not a folder" in done.out) == (22, True)


def test_a_command_that_waits_says_for_whom(filled: CommandLine) -> None:
    with filled.store.with_name("users.json.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        release = threading.Timer(4, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        done = filled("users", "edit", "anna", "--full-name", "Late")
        release.join()
    assert done.code == 0
    waited = f"The store is being written by process {os.getpid()} ("
    assert waited in done.err
    assert "Waiting for it." in done.err
    assert filled.users()["anna"]["full_name"] == "Late"


class TestBackup:
    def test_a_private_copy_that_serves(self, filled: CommandLine, tmp_path: Path) -> None:
        copy = tmp_path / "users-copy.json"
        done = filled("store", "backup", str(copy), "--json")
        assert (done.code, done.json["file"]) == (0, str(copy))
        assert done.json["store"] == {"generation": 3, "users": 2, "runs": 3}
        assert "Copied to" in done.err
        assert copy.stat().st_mode & 0o777 == 0o600
        assert copy.read_bytes() == filled.store.read_bytes()
        assert filled("users", "delete", "bert", "--yes").code == 0
        assert filled("store", "restore", "--yes", str(copy)).code == 0
        assert filled.users().keys() == {"anna", "bert"}

    def test_never_over_something(self, filled: CommandLine, tmp_path: Path) -> None:
        copy = tmp_path / "users-copy.json"
        copy.write_text("mine")
        done = filled("store", "backup", str(copy))
        assert (done.code, "File exists" in done.err) == (1, True)
        assert copy.read_text() == "mine"

    def test_not_of_a_damaged_store(self, filled: CommandLine, tmp_path: Path) -> None:
        damage(filled)
        assert filled("store", "backup", str(tmp_path / "users-copy.json")).code == 22
        assert not (tmp_path / "users-copy.json").exists()

    def test_not_of_none(self, mailroster: CommandLine, tmp_path: Path) -> None:
        done = mailroster("store", "backup", str(tmp_path / "users-copy.json"))
        assert (done.code, "cannot be copied" in done.err) == (1, True)


class TestRestore:
    def test_what_would_be_lost_is_said_and_nothing_done_unasked(self, filled: CommandLine) -> None:
        before = filled.store.read_bytes()
        first = list_backups(filled.store)[-1].name
        done = filled("store", "restore", first)
        assert done.code == 2
        assert "mailroster cannot ask you: stdin is not a terminal. Nothing was changed" in done.err
        assert "- bert  (was added since)" in done.out
        assert "~ anna  (becomes what it was: full_name)" in done.out
        assert filled.store.read_bytes() == before

    def test_all_that_would_change_is_said(
        self, connected: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        assert connected("users", "add", "anna", stdin=PASSWORD).code == 0
        copy = str(tmp_path / "users-copy.json")
        assert connected("store", "backup", copy).code == 0
        assert "The store and the backup hold the same." in connected("store", "restore", copy).out
        assert connected("users", "delete", "anna", "--yes").code == 0
        assert connected("settings", "set", "max_users=5").code == 0
        directory.put("carla")
        assert connected("sync", "--yes").code == 0
        listed = connected("history", "list", "--json").json["runs"]
        done = connected("store", "restore", copy)
        assert done.out.splitlines()[1:] == [
            "- carla  (was added since)",
            "+ anna  (was deleted since)",
            "~ setting max_users  (becomes what it was)",
        ]
        assert connected("store", "restore", "--yes", copy).code == 0
        assert connected.users().keys() == {"anna"}
        *before, restored = connected("history", "list", "--json").json["runs"]
        assert before == listed
        assert (restored["kind"], restored["final"]) == ("restore", False)
        assert connected("history", "undo", "last", "--yes").code == 0
        assert connected.users().keys() == {"carla"}

    @pytest.mark.parametrize("is_link", [True, False])
    def test_something_else_in_its_place_is_set_aside_as_it_is(
        self, filled: CommandLine, tmp_path: Path, is_link: bool
    ) -> None:
        copy = tmp_path / "users-copy.json"
        filled.store.rename(copy)
        if is_link:
            filled.store.symlink_to(copy)
        else:
            filled.store.mkdir()
        content = copy.read_bytes()
        done = filled("store", "restore", "--yes", "--json")
        assert done.code == 0, done.err
        aside = Path(done.json["set_aside"])
        assert (aside.is_symlink(), aside.is_dir()) == (is_link, not is_link)
        assert copy.read_bytes() == content
        assert filled.store.is_file()
        assert not filled.store.is_symlink()
        assert filled.users().keys() == {"anna", "bert"}

    def test_the_newest_whole_one_and_the_damaged_file_is_kept(self, filled: CommandLine) -> None:
        damage(filled)
        backups = list_backups(filled.store)
        backups[0].unlink()
        backups[0].write_text("{")
        done = filled("store", "restore", "--yes", "--json")
        assert done.code == 0, done.err
        assert done.json["backup"] == str(backups[1])
        assert Path(done.json["set_aside"]).read_text() == "{"
        assert "is not valid JSON" in done.json["lost"]["problem"]
        told = "The archive folders of users who were added after the backup stay: “bert”."
        assert told in done.err
        assert filled.users().keys() == {"anna"}

    def test_a_lost_store_comes_back(self, filled: CommandLine) -> None:
        filled.store.unlink()
        assert filled("users", "list").code == 22
        done = filled("store", "restore", "--yes", "--json")
        assert (done.code, done.json["set_aside"]) == (0, None)
        assert filled.users().keys() == {"anna", "bert"}

    def test_one_that_is_cut_short_leaves_the_store(self, filled: CommandLine) -> None:
        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        damage(filled)
        backup = list_backups(filled.store)[-1]
        with in_place_of(os, "replace", killed), pytest.raises(KeyboardInterrupt):
            replace_unreadable(filled.store, backup, A_RESTORE, lambda runs: [])
        assert filled.store.read_text() == "{"
        replace_unreadable(filled.store, backup, A_RESTORE, lambda runs: [])
        assert filled.users().keys() == {"anna"}
        assert filled("history", "list", "--json").json["runs"][-1]["final"]

    def test_one_that_fails_leaves_all_as_it_was(self, filled: CommandLine) -> None:
        damage(filled)
        before = sorted(filled.store.parent.iterdir()), filled.store.read_bytes()
        backup = list_backups(filled.store)[-1]
        with (
            failing(os, "fsync", errno.EIO, partial(is_folder, path=filled.store.parent)),
            pytest.raises(StoreUnwritable, match="It is as it was"),
        ):
            replace_unreadable(filled.store, backup, A_RESTORE, lambda runs: [])
        assert (sorted(filled.store.parent.iterdir()), filled.store.read_bytes()) == before

    def test_the_list(self, filled: CommandLine) -> None:
        oldest = list_backups(filled.store)[-1]
        oldest.unlink()
        oldest.write_text("{")
        shown = filled("store", "restore", "--list", "--json").json
        assert [item["store"] and item["store"]["users"] for item in shown] == [2, None]
        assert "is not valid JSON" in shown[1]["problem"]
        assert "generation 2, 2 users" in filled("store", "restore", "--list").out

    def test_one_that_there_is_not(self, filled: CommandLine) -> None:
        before = filled.store.read_bytes()
        done = filled("store", "restore", "--yes", "none.json")
        assert (done.code, "The backup “none.json” does not exist." in done.err) == (1, True)
        assert filled.store.read_bytes() == before

    def test_without_a_usable_backup(self, filled: CommandLine) -> None:
        damage(filled)
        for backup in list_backups(filled.store):
            backup.unlink()
        done = filled("store", "restore", "--yes")
        assert (done.code, "holds no usable backup" in done.err) == (22, True)
        assert filled.store.read_text() == "{"

    def test_what_was_made_from_the_lost_state_is_stale(self, tmp_path: Path) -> None:
        path = tmp_path / "users.json"
        session = open_workspace(str(path), tmp_path / "secret.key")
        store = session.store
        for number in range(3):
            store.apply(Batch(settings=Settings(guard_max_deletes=number)))
        store.apply(Batch([Edit.create(User(user_name="anna"))]))
        lost = store.snapshot().find("anna")
        assert lost
        backup = list_backups(path)[1]
        path.write_text("{")
        replace_unreadable(path, backup, A_RESTORE, lambda runs: [])
        assert store.snapshot().generation > 4
        store.apply(Batch([Edit.create(User(user_name="anna", full_name="Another"))]))
        with pytest.raises(StoreConflict, match="anna"):
            store.apply(Batch([Edit.update(lost, lost)]))
        session.close()

    def test_the_result_is_as_mailroster_leaves_a_file(self, filled: CommandLine) -> None:
        damage(filled)
        assert filled("store", "restore", "--yes").code == 0
        written = orjson.loads(filled.store.read_bytes())["meta"]["1"]["written"]
        assert filled.store.stat().st_mtime_ns == written
        assert filled.store.stat().st_mode & 0o777 == 0o600


def test_a_history_whose_records_went_is_listed_all_the_same(
    connected: CommandLine, directory: Directory
) -> None:
    """A backup lists runs whose records went when a newer state was written."""
    directory.put("carla")
    make_administrator(connected, "root")
    assert connected("sync", "--yes").code == 0
    record = newest_record(connected)
    assert connected("users", "add", "anna", stdin=PASSWORD).code == 0
    record.unlink()
    assert connected("store", "restore", "--yes").code == 0
    (run,) = (r for r in connected("history", "list", "--json").json["runs"] if r["kind"] == "sync")
    for words in (["history", "list"], ["users", "list"], ["sync", "--yes"]):
        assert connected(*words).code == 0
    for command in ("show", "undo"):
        done = connected("history", command, run["id"])
        assert (done.code, "Bring the file back from a backup" in done.err) == (22, True)
    found = connected("store", "check", "--json").json["findings"]
    assert [Path(finding["path"]) for finding in found] == [record]


def test_a_copy_leaves_the_archive_of_the_old_store_alone(filled: CommandLine) -> None:
    """Both are in one folder, and no archive_root is set: the archive beside them has one owner."""
    archive = filled.store.parent / "archive"
    copy = filled.store.with_name("users-copy.json")
    assert filled("store", "copy", str(copy)).code == 0
    here = sorted(archive.rglob("*"))
    for words in (["add", "carla"], ["rename", "bert", "bernd"], ["delete", "bert", "--yes"]):
        done = filled("--store", str(copy), "users", *words, stdin=PASSWORD)
        assert "belongs to another store" in done.err, done
        assert sorted(archive.rglob("*")) == here
    assert "at hand" not in filled("--store", str(copy), "status").out
    assert "at hand" in filled("status").out
    assert filled("users", "rename", "bert", "bernd").code == 0  # the control
    assert (archive / "bernd").is_dir()
