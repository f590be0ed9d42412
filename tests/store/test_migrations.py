"""Files of every schema that there was, as the mailroster of that time wrote them, still serve."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from store import migrations, tinydb_store
from store.backups import KEPT_NEWEST, list_backups
from store.errors import StoreDamaged, StoreTooNew, StoreUnwritable
from store.interface import Batch, Edit
from store.migrations import SCHEMA, Tables
from store.models import FilterRule, Settings, User
from store.tinydb_store import TinyDBStore

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


class TestStep:
    """The next version's view: a step that gives every filter rule the reason “none given”."""

    @pytest.fixture(autouse=True)
    def next_version(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def step(tables: Tables) -> Tables:
            settings = tables["settings"]["1"]
            rules = [{"reason": "none given", **rule} for rule in settings["filters"]]
            return {**tables, "settings": {"1": {**settings, "filters": rules}}}

        monkeypatch.setattr(migrations, "SCHEMA", SCHEMA + 1)
        monkeypatch.setattr(tinydb_store, "SCHEMA", SCHEMA + 1)
        monkeypatch.setattr(migrations, "STEPS", {**migrations.STEPS, SCHEMA: step})

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return placed(SCHEMAS / "1-before-the-history.json", tmp_path)

    def test_it_is_read_migrated_and_written_at_the_next_write(self, path: Path) -> None:
        store = TinyDBStore(path)
        rule = FilterRule(
            action="exclude", field="email_domain", pattern="*.test", reason="none given"
        )
        assert store.snapshot().settings.filters == (rule,)
        assert orjson.loads(path.read_bytes())["meta"]["1"]["schema"] == SCHEMA
        store.apply(CHANGED)
        stored = orjson.loads(path.read_bytes())
        assert stored["meta"]["1"]["schema"] == SCHEMA + 1
        assert stored["settings"]["1"]["filters"][0]["reason"] == "none given"
        store.close()

    def test_the_file_from_before_is_kept_for_good(self, path: Path) -> None:
        content = path.read_bytes()
        store = TinyDBStore(path)
        store.apply(CHANGED)
        for number in range(KEPT_NEWEST + 3):
            store.apply(Batch(settings=Settings(guard_max_deletes=number)))
        store.close()
        kept = [backup for backup in list_backups(path) if f".schema{SCHEMA}." in backup.name]
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

    def test_the_version_from_before_refuses_the_result(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = TinyDBStore(path)
        store.apply(CHANGED)
        store.close()
        monkeypatch.undo()
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
