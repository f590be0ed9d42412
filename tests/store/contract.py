"""What every `Store` must do. A suite for one implementation supplies `store` and `other`.

What its sessions must do beside reading and writing is in `tests/store/session_contract.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from store.chain import Chain, digest, verify
from store.errors import InvalidValue, LastAdministrator, StoreConflict
from store.files.folder_work import FolderWork
from store.history import Run, RunChange, RunSummary
from store.interface import Batch, Edit, Store
from store.models import DIRECTORY_SERVICES, FilterRule, Settings, User
from store.names import match_key
from tests.store.session_contract import SessionContract

ANNA = User(user_name="anna", full_name="Anna", privileges=["login"])
BERT = User(user_name="Bert", privileges=["login"])
ROOT = User(user_name="root", privileges=["admin"], password_hash="$2b$04$x")


def found(store: Store, name: str) -> User:
    user = store.snapshot().find(name)
    assert user
    return user


def run_record(run_id: str, at: str = "2026-01-01T00:00:00+00:00", creates: int = 1) -> Run:
    """The record of a run that created `creates` users."""
    new = {"user_name": "anna", "password_hash": None}
    change = RunChange(
        action="create", user_name="anna", reason="new", archive=None, old=None, new=new
    )
    return Run(
        summary=RunSummary(
            id=run_id, kind="sync", who="root", at=at, counts={"create": creates}, listed=7
        ),
        changes=[change] * creates,
        filters=(FilterRule(action="skip", field="user_name", pattern="x", reason="why"),),
        guard=("Stop.",),
        warnings=("Careful.",),
    )


class StoreContract(SessionContract):
    """Run with fixtures `store` (empty) and `other` (a second session on the same data)."""

    def test_a_new_store_is_empty(self, store: Store) -> None:
        state = store.snapshot()
        assert (state.generation, dict(state.users), state.settings) == (0, {}, Settings())

    def test_a_created_user_is_there_for_every_session(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        for session in (store, other):
            user = found(session, "ANNA")
            assert (user.user_name, user.full_name, user.rev) == ("anna", "Anna", 1)
            assert user.created == user.changed != ""

    def test_the_store_id_stays(self, store: Store, other: Store) -> None:
        first = store.apply(Batch([Edit.create(ANNA)])).store_id
        assert first
        assert other.apply(Batch([Edit.create(BERT)])).store_id == first

    def test_the_generation_counts_writes(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA), Edit.create(BERT)]))
        assert store.generation == 1
        store.apply(Batch([Edit.delete(found(store, "anna"))]))
        assert store.generation == 2

    def test_nothing_to_do_writes_nothing(self, store: Store) -> None:
        state = store.apply(Batch([Edit.create(ANNA)]))
        assert store.apply(Batch()) is state
        assert store.apply(Batch(settings=state.settings)).generation == 1

    def test_an_update_changes_rev_and_keeps_created(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        before = found(store, "anna")
        store.apply(Batch([Edit.update(before, replace(before, full_name="A."))]))
        after = found(store, "anna")
        assert (after.full_name, after.rev, after.created) == ("A.", 2, before.created)

    def test_a_user_made_again_has_a_new_rev(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        old = found(store, "anna")
        store.apply(Batch([Edit.delete(old)]))
        store.apply(Batch([Edit.create(ANNA)]))
        with pytest.raises(StoreConflict):
            store.apply(Batch([Edit.delete(old)]))

    def test_a_rename_takes_the_new_name(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        before = found(store, "anna")
        store.apply(Batch([Edit.update(before, replace(before, user_name="Anne"))]))
        assert store.snapshot().find("anna") is None
        assert found(store, "anne").created == before.created

    def test_names_can_be_swapped_in_one_batch(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA), Edit.create(replace(BERT, full_name="Bert"))]))
        anna, bert = found(store, "anna"), found(store, "bert")
        store.apply(
            Batch(
                [
                    Edit.update(anna, replace(anna, user_name="bert")),
                    Edit.update(bert, replace(bert, user_name="anna")),
                ]
            )
        )
        assert found(store, "anna").full_name == "Bert"
        assert found(store, "bert").full_name == "Anna"

    def test_a_taken_name_is_refused(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA), Edit.create(BERT)]))
        anna = found(store, "anna")
        with pytest.raises(StoreConflict, match="is taken"):
            store.apply(Batch([Edit.update(anna, replace(anna, user_name="BERT"))]))
        with pytest.raises(StoreConflict, match="user “anna” was added"):
            store.apply(Batch([Edit.create(replace(ANNA, user_name="Anna"))]))
        assert store.generation == 1

    @pytest.mark.parametrize("spelling", ["one@x.org", "ONE@X.org"])
    def test_a_taken_address_is_refused(self, store: Store, other: Store, spelling: str) -> None:
        store.apply(Batch([Edit.create(replace(BERT, email_addresses=["one@x.org"]))]))
        other.apply(Batch([Edit.create(ANNA)]))
        anna = found(store, "anna")
        for edits in (
            [Edit.create(User(user_name="carla", email_addresses=[spelling]))],
            [Edit.update(anna, replace(anna, email_addresses=["two@x.org", spelling]))],
            [Edit.update(anna, replace(anna, user_name="anne", email_addresses=[spelling]))],
        ):
            with pytest.raises(InvalidValue, match=r"“one@x\.org” belongs to “Bert”"):
                store.apply(Batch(edits, run=run_record("r1")))
        assert (store.generation, store.snapshot().history.runs) == (2, ())
        assert found(other, "anna") == anna

    def test_two_of_one_batch_cannot_have_the_same_address(self, store: Store) -> None:
        users = [replace(user, email_addresses=["one@x.org"]) for user in (ANNA, BERT)]
        with pytest.raises(InvalidValue, match=r"“one@x\.org” belongs to “anna”"):
            store.apply(Batch([Edit.create(user) for user in users]))
        assert store.generation == 0

    def test_an_address_may_change_hands_in_one_batch(self, store: Store, other: Store) -> None:
        one, two = ["one@x.org", "One@X.org"], ["two@x.org"]
        first = replace(ANNA, email_addresses=one), replace(BERT, email_addresses=two)
        store.apply(Batch([Edit.create(user) for user in first]))
        anna, bert = found(store, "anna"), found(store, "bert")
        swapped = replace(anna, email_addresses=two), replace(bert, email_addresses=one)
        store.apply(Batch([Edit.update(anna, swapped[0]), Edit.update(bert, swapped[1])]))
        assert found(other, "anna").email_addresses == two
        carla = User(user_name="carla", email_addresses=two)
        store.apply(Batch([Edit.create(carla), Edit.delete(found(store, "anna"))]))
        assert found(other, "carla").email_addresses == two

    def test_a_batch_is_written_whole_or_not_at_all(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA), Edit.create(BERT)]))
        anna, bert = found(store, "anna"), found(store, "bert")
        other.apply(Batch([Edit.update(bert, replace(bert, full_name="Changed"))]))
        with pytest.raises(StoreConflict) as conflict:
            store.apply(Batch([Edit.delete(anna), Edit.delete(bert)]))
        assert len(conflict.value.differences) == 1
        assert "“Bert” was changed" in conflict.value.differences[0]
        assert set(store.snapshot().users) == {"anna", "bert"}

    def test_settings_are_kept_and_guarded(self, store: Store, other: Store) -> None:
        first = Settings(url="https://x.org/", auto_delete=True)
        store.apply(Batch(settings=first))
        assert other.snapshot().settings == first
        other.apply(Batch(settings=Settings()))
        with pytest.raises(StoreConflict, match="the settings were changed"):
            store.apply(Batch(settings=replace(first, url=""), based_on_settings=first))
        assert store.snapshot().settings == Settings()

    def test_an_old_snapshot_never_changes(self, store: Store) -> None:
        old = store.apply(Batch([Edit.create(ANNA)]))
        store.apply(Batch([Edit.delete(found(store, "anna")), Edit.create(BERT)]))
        assert list(old.users) == ["anna"]

    @pytest.mark.parametrize(
        "changed",
        [
            None,
            replace(ROOT, privileges=["login"]),
            replace(ROOT, authentication=DIRECTORY_SERVICES),
            replace(ROOT, password_hash=None),
        ],
    )
    def test_the_last_local_administrator_stays(self, store: Store, changed: User | None) -> None:
        store.apply(Batch([Edit.create(ROOT), Edit.create(ANNA)]))
        root = found(store, "root")
        edit = Edit("root", root.rev, changed)
        with pytest.raises(LastAdministrator):
            store.apply(Batch([edit]))
        assert found(store, "root") == root
        store.apply(Batch([Edit.create(replace(ROOT, user_name="second"))]))
        store.apply(Batch([edit]))  # with a second one, the same edit goes through

    def test_a_new_administrator_may_replace_the_last_one_in_one_batch(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ROOT)]))
        root = found(store, "root")
        store.apply(Batch([Edit.delete(root), Edit.create(replace(ROOT, user_name="second"))]))
        assert list(store.snapshot().users) == ["second"]

    def test_a_name_may_go_to_somebody_new_in_one_batch(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA), Edit.create(BERT)]))
        anna, bert = found(store, "anna"), found(store, "bert")
        store.apply(
            Batch(
                [
                    Edit.create(replace(ANNA, full_name="New Anna")),
                    Edit.update(anna, replace(anna, user_name="anne")),
                    Edit.create(replace(BERT, full_name="New Bert")),
                    Edit.delete(bert),
                ]
            )
        )
        assert found(store, "anna").full_name == "New Anna"
        assert found(store, "anne").full_name == "Anna"
        assert found(store, "bert").full_name == "New Bert"
        assert len(store.snapshot().users) == 3

    @pytest.mark.parametrize(
        "edits",
        [
            lambda anna: [Edit.delete(anna), Edit.delete(anna)],
            lambda anna: [Edit.delete(anna), Edit.update(anna, replace(anna, full_name="A."))],
            lambda anna: [Edit.update(anna, replace(anna, full_name="A.")), Edit.delete(anna)],
            lambda anna: [Edit.update(anna, anna), Edit.update(anna, replace(anna, pinned=True))],
            lambda anna: [Edit.update(anna, replace(anna, user_name="anne")), Edit.delete(anna)],
            lambda anna: [
                Edit.update(anna, replace(anna, user_name=name)) for name in ("anne", "anni")
            ],
            lambda anna: [Edit.delete(anna), Edit.delete(anna), Edit.create(ANNA)],
            lambda _: [Edit.create(BERT), Edit.create(BERT)],
        ],
    )
    def test_a_user_who_is_edited_twice_in_one_batch_is_refused(
        self, store: Store, other: Store, edits: Callable[[User], list[Edit]]
    ) -> None:
        before = store.apply(Batch([Edit.create(ANNA)]))
        with pytest.raises(StoreConflict):
            store.apply(Batch(edits(found(store, "anna")), run=run_record("r1")))
        for session in (store, other):
            assert session.snapshot() == before

    def test_a_pin_is_kept(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(replace(ANNA, pinned=True)), Edit.create(BERT)]))
        assert (found(other, "anna").pinned, found(other, "bert").pinned) == (True, False)
        anna = found(store, "anna")
        store.apply(Batch([Edit.update(anna, replace(anna, pinned=False))]))
        assert not found(other, "anna").pinned

    def test_a_mark_of_a_leaver_is_kept(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(replace(ANNA, absent_since="2026-11-30"))]))
        assert found(other, "anna").absent_since == "2026-11-30"
        assert other.find("ANNA").users["anna"]["absent_since"] == "2026-11-30"  # type: ignore[typeddict-item]
        anna = found(store, "anna")
        store.apply(Batch([Edit.update(anna, replace(anna, absent_since=None))]))
        assert found(other, "anna").absent_since is None

    def test_a_run_is_recorded_with_its_edits(self, store: Store, other: Store) -> None:
        run = run_record("r1")
        after = store.apply(Batch([Edit.create(ANNA)], run=run))
        for session in (store, other):
            (summary,) = session.snapshot().history.runs
            assert summary == replace(run.summary, generation=1) == session.run("r1").summary
            assert session.snapshot().history.filters == run.filters
            assert session.run("r1") == replace(run, summary=summary)
        assert after.history.find("r1")
        assert after.history.find("r2") is None

    def test_a_refused_batch_records_no_run(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        with pytest.raises(StoreConflict):
            store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
        assert other.snapshot().history.runs == ()
        with pytest.raises(InvalidValue, match="no run “r1”"):
            store.run("r1")

    def test_a_run_that_changes_nothing_is_not_recorded(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        store.apply(Batch(run=run_record("r1")))
        assert (store.generation, store.snapshot().history.runs) == (1, ())

    def test_other_writes_keep_the_history(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
        other.apply(Batch([Edit.create(BERT)]))
        other.apply(Batch(settings=Settings(auto_delete=True)))
        assert [run.id for run in store.snapshot().history.runs] == ["r1"]
        assert store.run("r1").changes[0]["user_name"] == "anna"

    def test_all_runs_are_listed_oldest_first(self, store: Store, other: Store) -> None:
        for number in range(250):
            batch = Batch(settings=Settings(guard_max_deletes=number), run=run_record(f"r{number}"))
            store.apply(batch)
        for session in (store, other):
            assert [run.id for run in session.runs()] == [f"r{number}" for number in range(250)]
            assert session.snapshot().history.count == 250
            assert session.has_run("r0")
            assert not session.has_run("r250")
            assert session.run("r0").summary.generation == 1

    def test_a_final_run_is_recorded_although_it_changes_nothing(self, store: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        run = run_record("r1")
        store.apply(Batch(run=replace(run, summary=replace(run.summary, final=True))))
        assert (store.generation, [run.id for run in store.runs()]) == (2, ["r1"])

    def test_a_setting_that_a_run_changed_is_in_its_record(
        self, store: Store, other: Store
    ) -> None:
        changed = {"url": {"old": "", "new": "https://x.org/"}}
        settings = Settings(url="https://x.org/")
        store.apply(Batch(settings=settings, run=replace(run_record("r1"), settings=changed)))
        assert other.run("r1").settings == changed

    def test_folder_work_stands_until_it_is_done(self, store: Store, other: Store) -> None:
        work = FolderWork("move", "anna", "anne")
        store.apply(Batch([Edit.create(ANNA)], folder_work=[work]))
        assert other.snapshot().folder_work == (replace(work, generation=1),)
        other.apply(Batch([Edit.create(BERT)], folder_work=[FolderWork("remove", "x")]))
        assert [item.generation for item in store.snapshot().folder_work] == [1, 2]
        store.apply(Batch(settings=Settings(url="https://x.org/"), work_done=1))
        assert [item.generation for item in other.snapshot().folder_work] == [2]

    def test_the_archive_stays_marked(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        assert not other.snapshot().archive_marked
        store.apply(Batch([Edit.create(BERT)], archive_marked=True))
        other.apply(Batch(settings=Settings(url="https://x.org/")))
        assert store.snapshot().archive_marked

    def test_an_id_that_was_chosen_for_a_new_store(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)], store_id="chosen"))
        assert other.apply(Batch([Edit.create(BERT)], store_id="other")).store_id == "chosen"

    def test_an_edit_may_keep_the_rev(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        before = found(store, "anna")
        edit = Edit.update(before, replace(before, password_hash="$2b$04$y"))
        store.apply(Batch([replace(edit, keeps_rev=True)]))
        after = found(other, "anna")
        assert (after.password_hash, after.rev, store.generation) == ("$2b$04$y", before.rev, 2)
        assert after.changed == before.changed

    def test_the_oldest_runs_are_folded_into_counts(self, store: Store, other: Store) -> None:
        store.apply(Batch(settings=Settings(history_max_mib=1)))
        for day in range(1, 8):
            run = run_record(f"r{day}", f"2026-01-0{day}T00:00:00+00:00", creates=3000)
            store.apply(Batch([Edit.create(User(user_name=f"u{day}"))], run=run))
        kept = other.snapshot().history
        assert kept.runs[-1].id == "r7"
        assert 1 < len(kept.runs) < 7
        assert kept.folded_runs == 7 - len(kept.runs)
        assert kept.folded_counts == {"create": 3000 * kept.folded_runs}
        assert kept.folded_until == f"2026-01-0{kept.folded_runs}T00:00:00+00:00"
        with pytest.raises(InvalidValue, match="no run “r1”"):
            store.run("r1")
        assert len(store.run("r7").changes) == 3000

    def test_each_record_has_the_digest_of_the_one_before(self, store: Store, other: Store) -> None:
        for number in range(3):
            user = User(user_name=f"user{number}")
            store.apply(Batch([Edit.create(user)], run=run_record(f"run{number}")))
        history = other.snapshot().history
        found = verify(history, other.runs(), other.record)
        assert found == Chain(3, 0, history.head)
        assert found.head == digest(other.record("run2"))

    def test_locked_users_are_counted(self, store: Store, other: Store) -> None:
        assert other.attempts.locked_users() == 0
        store.apply(Batch([Edit.create(ROOT), Edit.create(User(user_name="anna"))]))
        for number in range(5):
            assert not store.attempts.settle("anna", None, right=False, password=str(number))
        assert other.attempts.locked_users() == 1

    def test_a_log_on_finds_the_user_and_whether_the_name_is_locked(
        self, store: Store, other: Store
    ) -> None:
        assert other.find_for_log_on("anna", None) == (other.find("anna"), False)
        store.apply(Batch([Edit.create(ROOT), Edit.create(User(user_name="Anna"))]))
        for number in range(5):
            for name, known in (("anna", True), ("nobody", False)):
                more = {"known": known, "password": str(number)}
                assert not store.attempts.settle(name, None, right=False, **more)
        for name, locked in (("ANNA", True), ("nobody", True), ("root", False), ("\udc80", False)):
            assert other.find_for_log_on(name, None) == (other.find(name), locked)

    def test_a_note_is_kept_and_is_no_write(self, store: Store, other: Store) -> None:
        store.keep_note("outcome", {"at": "now"})
        assert other.note("outcome") == {}  # there is no store yet
        store.apply(Batch([Edit.create(User(user_name="anna"))]))
        store.keep_note("outcome", {"at": "now", "counts": {"create": 1}})
        assert other.note("outcome") == {"at": "now", "counts": {"create": 1}}
        assert other.note("another") == {}
        assert other.snapshot().generation == 1

    def test_one_user_is_found_as_among_all(self, store: Store, other: Store) -> None:
        def check() -> None:
            for session in (store, other):
                all_of_now = session.snapshot()
                for name in ("anna", "ANNA", "Stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE", "x"):
                    state = session.find(name)
                    row = all_of_now.users.get(match_key(name))
                    assert state == replace(all_of_now, users={match_key(name): row} if row else {})
                    assert state.find(name) == all_of_now.find(name)

        check()
        store.apply(Batch([Edit.create(ANNA), Edit.create(User(user_name="strasse"))]))
        check()
        anna = found(store, "anna")
        other.apply(Batch([Edit.update(anna, replace(anna, user_name="x"))], run=run_record("r1")))
        check()
        store.apply(Batch(settings=Settings(url="https://x.org/"), archive_marked=True))
        check()
        other.apply(
            Batch([Edit.delete(found(other, "x"))], folder_work=[FolderWork("remove", "x")])
        )
        check()
