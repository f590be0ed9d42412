"""Files of every schema that there was, as the mailroster of that time wrote them, still serve."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from store.errors import StoreDamaged, StoreTooNew, StoreUnwritable
from store.files.archives import folder_name_of_schema_2
from store.interface import Batch, Edit
from store.models import Settings, User
from store.tinydb import migrations
from store.tinydb.backups import KEPT_NEWEST, list_backups
from store.tinydb.migrations import SCHEMA
from store.tinydb.store import TinyDBStore
from sync.configure import configure
from sync.runs.by_hand import add_administrator, add_user, rename_user
from sync.runs.folders import folder_for_log_on
from sync.workspace import Workspace

SCHEMAS = Path(__file__).with_name("schemas")
FILES = sorted(SCHEMAS.glob("*.json"))
CHANGED = Batch([Edit.create(User(user_name="new"))])


def placed(file: Path, folder: Path) -> Path:
    path = folder / "users.json"
    shutil.copy(file, path)
    path.chmod(0o600)
    return path


def test_there_is_a_file_of_every_schema() -> None:
    schemas = {orjson.loads(file.read_bytes())["meta"]["1"]["schema"] for file in FILES}
    assert schemas == set(range(1, SCHEMA + 1))
    assert set(migrations.STEPS) == set(range(1, SCHEMA))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
class TestReleased:
    def test_it_opens_whole_and_looking_at_it_writes_nothing(
        self, file: Path, tmp_path: Path
    ) -> None:
        path = placed(file, tmp_path)
        store = TinyDBStore(path)
        state = store.snapshot()
        store.close()
        zoe, root = state.find("zoë müller"), state.find("root")
        assert zoe
        assert root
        assert zoe.email_addresses == ["zoe@example.com", "z@example.com"]
        assert zoe.folder_privileges == {"zoë müller": ["read"]}
        assert root.password_hash
        assert state.settings.auto_delete
        assert state.settings.filters[0].pattern == "*.test"
        assert path.read_bytes() == file.read_bytes()
        assert [item.name for item in tmp_path.iterdir()] == ["users.json"]

    def test_a_write_stores_the_current_schema(self, file: Path, tmp_path: Path) -> None:
        path = placed(file, tmp_path)
        before = TinyDBStore(path)
        kept = dict(before.snapshot().users)
        before.apply(CHANGED)
        before.close()
        assert orjson.loads(path.read_bytes())["meta"]["1"]["schema"] == SCHEMA
        after = TinyDBStore(path)
        assert {**kept, "new": after.snapshot().users["new"]} == after.snapshot().users
        after.close()
        assert list_backups(path)[0].read_bytes() == file.read_bytes()


def test_schema_1s_history_has_the_figures_of_the_guard(tmp_path: Path) -> None:
    path = placed(SCHEMAS / "1.json", tmp_path)
    store = TinyDBStore(path)
    old = orjson.loads(path.read_bytes())["meta"]["1"]["history"]
    kept = store.snapshot().history
    assert [run.id for run in kept.runs] == [run["id"] for run in old["runs"]]
    assert all(run.guarded == (run.kind in ("sync", "undo")) for run in kept.runs)
    syncs = [run for run in kept.runs if run.kind == "sync" and not run.held]
    assert kept.listed == syncs[-1].listed
    assert kept.filters is not None
    store.close()


LONG = "jörg " * 30 + "müller"  # a name whose folder name is cut


@pytest.fixture
def from_schema_2(workspace: Workspace) -> Workspace:
    """A store of schema 2 whose user of a long name has mail, in the folder of that time."""
    add_administrator(workspace, "root", "correct horse battery")
    add_user(workspace, User(user_name=LONG), "correct horse battery")
    archives = workspace.archives(workspace.snapshot().settings)
    old = archives.root / folder_name_of_schema_2(LONG)
    (archives.path(LONG) / "new" / "1").write_text("mail of Jörg")
    archives.path(LONG).rename(old)
    workspace.store.close()
    tables = orjson.loads(workspace.host_path.read_bytes())
    tables["meta"]["1"]["schema"] = 2
    workspace.host_path.write_bytes(orjson.dumps(tables))
    return workspace


class TestFoldersOfCutNames:
    def mail(self, workspace: Workspace) -> str:
        state = workspace.snapshot()
        archives = workspace.archives(state.settings)
        assert not (archives.root / folder_name_of_schema_2(LONG)).exists()
        return (archives.path(LONG) / "new" / "1").read_text()

    def test_the_next_write_moves_them(self, from_schema_2: Workspace) -> None:
        configure(from_schema_2, {"guard_max_deletes": 1})
        add_user(from_schema_2, User(user_name="new"), "correct horse battery")
        assert self.mail(from_schema_2) == "mail of Jörg"
        assert from_schema_2.snapshot().folder_work == ()

    def test_so_does_that_users_log_on(self, from_schema_2: Workspace) -> None:
        user = from_schema_2.snapshot().find(LONG)
        assert user
        folder_for_log_on(from_schema_2, user)
        assert self.mail(from_schema_2) == "mail of Jörg"
        configure(from_schema_2, {"guard_max_deletes": 1})
        rename_user(from_schema_2, user, "jörg")
        state = from_schema_2.snapshot()
        moved = from_schema_2.archives(state.settings).path("jörg") / "new" / "1"
        assert moved.read_text() == "mail of Jörg"

    def test_where_no_name_is_cut_there_is_nothing_to_do(self, tmp_path: Path) -> None:
        tables = orjson.loads((SCHEMAS / "2.json").read_bytes())
        after = migrations.migrated(tables, 2)["meta"]["1"]
        assert after == {**tables["meta"]["1"], "schema": SCHEMA}


class TestStep:
    """A file of an older version on its way to this one."""

    OLD = 1

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return placed(SCHEMAS / f"{self.OLD}.json", tmp_path)

    def test_it_is_read_migrated_and_written_at_the_next_write(self, path: Path) -> None:
        def schema_and_run() -> tuple[int, dict[str, object]]:
            meta = orjson.loads(path.read_bytes())["meta"]["1"]
            return meta["schema"], meta["history"]["runs"][0]

        store = TinyDBStore(path)
        assert store.snapshot().history.runs[0].guarded
        schema, run = schema_and_run()
        assert (schema, "guarded" in run) == (self.OLD, False)
        store.apply(CHANGED)
        schema, run = schema_and_run()
        assert (schema, run["guarded"]) == (SCHEMA, True)
        store.close()

    def test_the_file_from_before_is_kept_for_good(self, path: Path) -> None:
        content = path.read_bytes()
        store = TinyDBStore(path)
        store.apply(CHANGED)
        for number in range(KEPT_NEWEST + 3):
            store.apply(Batch(settings=Settings(guard_max_deletes=number)))
        store.close()
        kept = [backup for backup in list_backups(path) if f".schema{self.OLD}." in backup.name]
        assert [backup.read_bytes() for backup in kept] == [content]
        assert len(list_backups(path)) == KEPT_NEWEST + 1

    def test_without_its_backup_nothing_is_migrated(self, path: Path) -> None:
        content = path.read_bytes()
        path.with_name("users.json.backups").touch()
        store = TinyDBStore(path)
        with pytest.raises(StoreUnwritable, match=r"users\.json\.backups"):
            store.apply(CHANGED)
        store.close()
        assert path.read_bytes() == content

    def test_the_version_from_before_refuses_the_result(self, path: Path) -> None:
        tables = orjson.loads(path.read_bytes())
        tables["meta"]["1"]["schema"] = SCHEMA + 1
        path.write_bytes(orjson.dumps(tables))
        content = path.read_bytes()
        old = TinyDBStore(path)
        for use in (old.snapshot, lambda: old.apply(CHANGED)):
            with pytest.raises(StoreTooNew, match="written by a newer mailroster"):
                use()
        old.close()
        assert path.read_bytes() == content


@pytest.mark.parametrize("schema", [0, -1, "1", None, 1.0, True])
def test_a_schema_that_never_was(schema: object, tmp_path: Path) -> None:
    path = placed(SCHEMAS / "1.json", tmp_path)
    tables = orjson.loads(path.read_bytes())
    tables["meta"]["1"]["schema"] = schema
    path.write_bytes(orjson.dumps(tables))
    with pytest.raises(StoreDamaged):
        TinyDBStore(path).snapshot()
