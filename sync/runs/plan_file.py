"""Saved plans: shown to somebody, applied later, verbatim and once."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from store.files.durable import add_whole, read_regular
from store.history import Run
from store.interface import Edit, Snapshot
from store.models import Settings, User, UserRow
from store.names import match_key
from store.text import printable, quantity
from sync.directory.listing import Listing
from sync.errors import PlanFileError, StalePlan, not_written
from sync.planning.guard import Block
from sync.planning.plan import Answers, Change, FieldChange, LeftOut, Plan
from sync.runs.apply import check_fresh
from sync.runs.preview import preview
from sync.runs.record import HASH
from sync.runs.undo import settings_before
from sync.workspace import Workspace

_VERSION = 1
_MARK = "mailroster_plan"
LARGEST = 1 << 30  # bytes
# What a plan does not depend on: secrets, how long is waited, log-ons, notices, room for the
# history.
_NO_MATTER = frozenset(
    {
        "password",
        "password_command",
        "password_file",
        "auth_command",
        "auth_user_field",
        "auth_password_field",
        "auth_success_field",
        "list_timeout",
        "login_timeout",
        "history_max_mib",
        "notify_webhook",
        "notify_mail",
    }
)


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan from a file that still fits the store.

    `answer` is the digest of the directory's answer that it was made from.
    """

    plan: Plan
    answer: str


def save_plan(workspace: Workspace, path: Path, plan: Plan, listing: Listing | None = None) -> None:
    """Write the plan, made from `listing`, to the new file `path`, for its owner only.

    An undo is made from the history, without a listing. The file holds no secret. Its signature
    needs the key of this store's secrets, so nobody without that key can make or change a plan.
    Raises `PlanFileError`, which says whether the plan is there all the same.
    """
    answer = "" if listing is None else listing_digest(listing)
    users = workspace.snapshot().users
    content = orjson.dumps(_to_record(plan, answer, users))
    record = b'{"%s":%d,"signature":"%s","plan":%s}\n' % (
        _MARK.encode(),
        _VERSION,
        workspace.secrets.sign(content).encode(),
        content,
    )
    try:
        add_whole(path, record)
    except OSError as error:
        raise not_written(PlanFileError, "plan", path, error) from None


def load_plan(workspace: Workspace, path: Path, largest: int = LARGEST) -> SavedPlan:
    """Read a plan and check it against the store's current state.

    Raises `PlanFileError` for a file that is not a complete plan of this store's owner,
    `AlreadyApplied`, or `StalePlan` with every difference; for the undo of a run that the history
    no longer has, `InvalidValue` or `StoreDamaged`.
    """
    record = _read(workspace, path, largest)
    snapshot = workspace.snapshot()
    undone = workspace.store.run(record["undoes"]) if record.get("undoes") else None
    try:
        plan = _from_record(record, snapshot, _local_passwords(undone))
        if undone is not None:
            plan = replace(plan, new_settings=settings_before(snapshot.settings, undone, []))
        settings: dict[str, str] = record["settings"]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _unusable(path, f"is incomplete: {error!r}") from None
    changed = list(_changed_settings(settings, snapshot.settings))
    try:
        check_fresh(workspace, plan, plan.changes, snapshot)
    except StalePlan as stale:
        if changed and type(stale) is StalePlan:
            raise StalePlan([*changed, *stale.differences]) from None
        raise
    if changed:
        raise StalePlan(changed)
    return SavedPlan(plan, record["answer"])


def answer_differences(workspace: Workspace, saved: SavedPlan, listing: Listing) -> list[str]:
    """Return what the directory's new answer changes in the plan, one sentence each.

    Any other answer than then makes a plan with deletions stale, even where the plan would be
    the same.
    """
    if listing_digest(listing) == saved.answer:
        return []
    headline = (
        f"the directory's answer changed ({quantity(saved.plan.listed, 'user')} then, "
        f"{listing.listed} now)"
    )
    return [headline, *outcome_differences(workspace, saved.plan, listing).values()]


def outcome_differences(workspace: Workspace, plan: Plan, listing: Listing) -> dict[str, str]:
    """Map each user whom a plan made from `listing` would treat in another way to a sentence."""
    found = {}
    then = _outcomes(plan)
    now = _outcomes(preview(workspace, listing, answers=_answers_in(plan)))
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            before, after = then.get(name, ("no change",)), now.get(name, ("no change",))
            what = f"“{printable(name, 60)}”: {before[0]} then, {after[0]} now"
            found[name] = what if before[0] != after[0] else f"{what}, with other values"
    return found


def listing_digest(listing: Listing) -> str:
    """Return a digest of the directory's answer, in any order of its users."""
    digest = hashlib.sha256()
    for record in sorted(map(repr, (*listing.users, *listing.invalid))):
        digest.update(record.encode(errors="surrogatepass"))
    return digest.hexdigest()


def _answers_in(plan: Plan) -> Answers:
    """Return the answers that the plan was made with, as far as its changes tell."""
    written = [change for change in plan.changes if change.edit]
    return Answers.of(
        rename_from=[
            (change.edit.key, change.user_name)
            for change in plan.changes
            if change.edit and change.action == "rename"
        ],
        separate=[change.user_name for change in written if change.action != "rename"],
        link=[change.user_name for change in written if "authentication" in change.fields],
        same=plan.answers.same,
        new=plan.answers.new,
        take_ids=plan.answers.take_ids,
    )


def _outcomes(plan: Plan) -> dict[str, tuple[Any, ...]]:
    return {change.user_name: (change.action, change.fields) for change in plan.changes}


def _to_record(plan: Plan, answer: str, users: Mapping[str, UserRow]) -> dict[str, Any]:
    return {
        "id": plan.id,
        "kind": plan.kind,
        "undoes": plan.undoes,
        "store_id": plan.store_id,
        "generation": plan.generation,
        "settings": _settings_digests(plan.settings),
        "answer": answer,
        "listed": plan.listed,
        "in_scope": plan.in_scope,
        "managed": plan.managed,
        "guard": plan.guard,
        "warnings": plan.warnings,
        "guarded": plan.guarded,
        "answers": {
            "same": sorted(plan.answers.same),
            "new": sorted(plan.answers.new),
            "take_ids": plan.answers.take_ids,
        },
        "changes": [_change_to_record(change, users) for change in plan.changes],
    }


def _change_to_record(change: Change, users: Mapping[str, UserRow]) -> dict[str, Any]:
    edit = change.edit
    user = None
    if edit and edit.user:
        user = {**edit.user.to_row()}
        there = users.get(edit.key) if edit.rev else None
        user["old_password"] = there is None or user[HASH] != there[HASH]
        del user[HASH]
    return {
        "action": change.action,
        "user_name": change.user_name,
        "reason": change.reason,
        "fields": {name: list(values) for name, values in change.fields.items()},
        "archive": change.archive,
        "asks": change.asks,
        "candidates": change.candidates,
        "follows": change.follows,
        "left_out": [list(item) for item in change.left_out],
        "edit": edit and {"key": edit.key, "rev": edit.rev, "user": user},
    }


def _read(workspace: Workspace, path: Path, largest: int) -> dict[str, Any]:
    try:
        content = read_regular(path, largest)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _unusable(path, "is far too large for a plan") from None
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    try:
        whole = orjson.loads(content)
        version, signature = whole[_MARK], whole["signature"]
        record: dict[str, Any] = whole["plan"]
        signed = orjson.dumps(record)  # fails for what is nested deeper than a plan is
    except (orjson.JSONDecodeError, LookupError, TypeError):
        raise _unusable(path, "is not a complete plan") from None
    if version != _VERSION:
        raise _unusable(
            path,
            f"has version {printable(version, 20)}, but this mailroster reads version {_VERSION}",
        )
    if not workspace.secrets.is_signed(signed, signature):
        raise _unusable(path, "was changed after it was made, or made with another key")
    return record


def _unusable(path: Path, problem: str) -> PlanFileError:
    return PlanFileError(
        f"The plan {printable(path)} {problem}.",
        "Make a new one with `mailroster test --out`.",
    )


def _local_passwords(undone: Run | None) -> dict[str, str | None]:
    """Return the password hashes from before the run, by the match key of now."""
    hashes: dict[str, str | None] = {}
    for change in undone.changes if undone else ():
        old, new = change["old"], change["new"] or {}
        if old and HASH in old:
            name = new.get("user_name") or old.get("user_name") or change["user_name"]
            hashes[match_key(name)] = old[HASH]
    return hashes


def _from_record(
    record: Mapping[str, Any], snapshot: Snapshot, hashes: Mapping[str, str | None]
) -> Plan:
    return Plan(
        id=record["id"],
        kind=record["kind"],
        undoes=record["undoes"],
        store_id=record["store_id"],
        generation=record["generation"],
        settings=snapshot.settings,
        changes=tuple(_change_from(change, snapshot, hashes) for change in record["changes"]),
        warnings=tuple(record["warnings"]),
        listed=record["listed"],
        in_scope=record["in_scope"],
        managed=record["managed"],
        blocks=tuple(map(Block, record["guard"])),
        guarded=record.get("guarded", True),
        answers=Answers.of(**record.get("answers", {})),
    )


def _change_from(
    record: Mapping[str, Any], snapshot: Snapshot, hashes: Mapping[str, str | None]
) -> Change:
    edit = record["edit"]
    return Change(
        action=record["action"],
        user_name=record["user_name"],
        reason=record["reason"],
        fields={name: FieldChange(*values) for name, values in record["fields"].items()},
        archive=record["archive"],
        asks=record["asks"],
        candidates=tuple(record["candidates"]),
        follows=tuple(record.get("follows", ())),
        left_out=tuple(LeftOut(*item) for item in record.get("left_out", ())),
        edit=edit and Edit(edit["key"], edit["rev"], _user_from(edit, snapshot, hashes)),
    )


def _user_from(
    edit: Mapping[str, Any], snapshot: Snapshot, hashes: Mapping[str, str | None]
) -> User | None:
    """Return the edit's user with the hash that store or history has; a plan holds none."""
    if edit["user"] is None:
        return None
    values = dict(edit["user"])
    current = snapshot.users.get(edit["key"]) if edit["rev"] else None
    is_old = values.pop("old_password", current is None)
    known = hashes.get(edit["key"]) if is_old or current is None else current[HASH]
    row: Any = {**values, HASH: known}
    return User.from_row(row)


def _settings_digests(settings: Settings) -> dict[str, str]:
    return {
        key: hashlib.sha256(orjson.dumps(value)).hexdigest()
        for key, value in settings.to_stored().items()
        if key not in _NO_MATTER
    }


def _changed_settings(then: Mapping[str, str], settings: Settings) -> Iterator[str]:
    now = _settings_digests(settings)
    for key in sorted(then.keys() | now.keys()):
        if then.get(key) != now.get(key):
            yield f"the setting {key} was changed"
