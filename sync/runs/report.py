"""Plans and results as plain records: what `--json` prints and a terminal shows as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from unicodedata import normalize

from store.errors import Problem
from store.history import Run
from store.models import AUTHENTICATION_LABELS
from store.privileges import PRIVILEGES
from store.text import escaped, printable, quantity
from sync.directory.types import directory_text
from sync.errors import GuardBlocked
from sync.planning.changes import field_label
from sync.planning.plan import ACTIONS, IDS, Action, Change, FieldValue, Question, counts_of
from sync.runs.record import QUESTION, recorded_change

SIGNS = {
    "create": "+",
    "return": "+",
    "update": "~",
    "leave": "<",
    "delete": "-",
    "conflict": "!",
    "rename": "?",
}
_WORDS = {"authentication": AUTHENTICATION_LABELS, "privileges": PRIVILEGES}
_QUESTIONS = {"rename": ">", "return": "+"}  # signs of those that are answered


def run_record(
    status: str,
    exit_code: int | None,
    changes: Iterable[Change],
    error: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a run of Test Settings or Synchronize now as one record.

    The screens have no `exit_code`.
    """
    listed = list(changes)
    return {
        "status": status,
        "exit_code": exit_code,
        "counts": dict(counts_of(listed)),
        "changes": [change_record(change) for change in listed],
        "error": error,
    }


def failed_record(failure: Problem, changes: Iterable[Change]) -> dict[str, Any]:
    """Return a run that failed on a screen as one record, with what had been found until then."""
    status = "blocked" if isinstance(failure, GuardBlocked) else "error"
    return run_record(status, None, changes, failure.to_record())


def past_run_record(run: Run) -> dict[str, Any]:
    """Return a run of the history as one record, shaped like one that was just done."""
    changes = [change_record(recorded_change(change)) for change in run.changes]
    return {
        "status": "applied",
        "run": run.summary.to_stored(),
        "guard": list(run.guard),
        "warnings": list(run.warnings),
        "counts": dict(run.summary.counts),
        "changes": changes,
        "error": None,
    }


def change_record(change: Change) -> dict[str, Any]:
    """Return one change as a record. It holds no secret: a plan's fields never have one."""
    record: dict[str, Any] = {
        "action": change.action,
        "user_name": change.user_name,
        "fields": {
            name: {"old": values.old, "new": values.new} for name, values in change.fields.items()
        },
        "reason": change.reason,
        "archive": change.archive,
    }
    if change.left_out:
        record["left_out"] = [item._asdict() for item in change.left_out]
    return record


def sign_of(change: Change) -> str:
    """Return the change's sign, a question mark for what is to be answered."""
    if change.asks == "ids" or (change.action in _QUESTIONS and not (change.edit or change.done)):
        return "?"
    return _QUESTIONS.get(change.action) or SIGNS.get(change.action, " ")


class Count(NamedTuple):
    """How many changes of one kind there are: `~ 2 update`."""

    action: Action
    sign: str
    number: int
    word: str


def summary(changes: Iterable[Change]) -> list[Count]:
    """Return how many changes there are of each kind, open questions apart from answered ones.

    Where ids are taken over, each user's change is counted, and not the line about all of them.
    """
    found: Counter[tuple[int, str, str]] = Counter()
    for change in changes:
        action, sign = change.action, sign_of(change)
        if change.asks == "ids":
            found[ACTIONS.index(action), sign, "question about ids"] += 1
        elif change.user_name != IDS:
            is_open = sign == "?"
            action = "rename" if is_open else action
            found[ACTIONS.index(action), sign, QUESTION if is_open else action] += 1
    return [
        Count(ACTIONS[place], sign, number, number_word(number, word))
        for (place, sign, word), number in sorted(found.items())
    ]


def number_word(number: int, word: str) -> str:
    """Return the word behind a count: an action as it is, questions in the plural."""
    return f"{word}s" if word == QUESTION and number != 1 else word


def change_lines(change: Change) -> Iterator[str]:
    """Yield one change as lines of text: sign, word, name and reason, then each field."""
    sign = sign_of(change)
    yield f"{sign} {change.action:<8} {printable(change.user_name)}  ({printable(change.reason)})"
    for _, label, old, new in field_texts(change):
        yield f"      {label}: {old} -> {new}"
    for item in change.left_out:
        yield f"      left out: {printable(item.address)} (see {printable(item.holder)})"
    if change.archive:
        yield f"      archive: {change.archive}"
    if how := how_to_answer(change):
        yield f"      Answer with {how}."


_ANSWERS: dict[Question, str] = {
    "rename": "`mailroster sync --rename {name}` for the same person, `--separate {name}` for "
    "somebody else",
    "return": "`mailroster sync --same {name}` for the same person, `--new {name}` for "
    "somebody else",
    "link": "`mailroster sync --link {name}`, if it is the same person",
    "ids": "`mailroster sync --take-ids`, if each name is still the same person",
}


def how_to_answer(change: Change) -> str:
    """Return which options answer the question that the change asks, empty if it asks none."""
    name = printable(change.user_name, 60)
    return _ANSWERS[change.asks].format(name=name) if change.asks else ""


def field_texts(change: Change) -> Iterator[tuple[str, str, str, str]]:
    """Yield each field of a change: its name, its label, and old and new value as text."""
    for name, values in change.fields.items():
        old, new = told_apart(_shown(name, values.old), _shown(name, values.new))
        yield name, field_label(name), old, new


def _shown(field: str, value: FieldValue) -> str:
    """Return a field's value in the words of the screens."""
    if field == "directory" and isinstance(value, str):
        return value_text(directory_text(value))
    words = _WORDS.get(field, {})
    if isinstance(value, list):
        return value_text([words.get(item, item) for item in value])
    return value_text(words.get(value, value) if value else value)


def told_apart(old: str, new: str) -> tuple[str, str]:
    """Return two texts, escaped where they differ in their Unicode form alone."""
    if old == new or normalize("NFC", old) != normalize("NFC", new):
        return old, new
    return escaped(old), escaped(new)


def value_text(value: FieldValue) -> str:
    """Return a field's value as it is shown."""
    if value is None or value == []:
        return "(none)"
    return printable(", ".join(value) if isinstance(value, list) else value)


def setting_lines(settings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each setting that changes, with its old and new value."""
    for name, both in settings.items():
        yield f"~ setting {name}: {setting_text(both['old'])} -> {setting_text(both['new'])}"


def restored_line(settings: Collection[str]) -> str:
    """Return which settings an undo restored."""
    return f"Restored {quantity(len(settings), 'setting')}: {', '.join(settings)}."


def setting_text(value: object) -> str:
    """Return the stored value of a setting as a run tells it."""
    if isinstance(value, list | tuple):
        return "; ".join(map(setting_text, value)) or "(none)"
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return str(value).lower() if isinstance(value, bool) else str(value) or "(none)"
