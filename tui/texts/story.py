"""One user's story as text: what was done to the user, when, by whom and by which run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rich.text import Text

from store.history import RunChange
from store.privileges import FOLDER_PRIVILEGES, PRIVILEGES
from store.text import printable
from sync.planning.folder_rights import RIGHTS
from sync.runs.record import recorded_change
from sync.runs.story import Chapter
from tui.texts.plain import lines, plain
from tui.texts.runs import when_text
from tui.widgets.changes import archive_text, change_word, field_lines

_PRIVILEGES = "privileges"


def story_text(story: Sequence[Chapter]) -> Text:
    """Return the chapters, the newest first."""
    if not story:
        return Text("The history has no change of this user.")
    return Text("\n").join(map(_chapter_text, reversed(story)))


def _chapter_text(chapter: Chapter) -> Text:
    run, change = chapter.run, recorded_change(chapter.change)
    kind = f"undo of {run.undoes}" if run.undoes else run.kind
    head = Text.assemble(
        (when_text(run.at), "bold"),
        "  ",
        change_word(change, done=True),
        plain(f"  by {printable(run.who, 60)}, {kind} {run.id}"),
    )
    rest = {
        name: values for name, values in change.fields.items() if name not in (_PRIVILEGES, RIGHTS)
    }
    stays = chapter.change["old"] and chapter.change["new"]
    details = [
        plain(change.reason),
        *([field_lines(replace(change, fields=rest))] if rest and stays else []),
        *_rights(chapter.change),
        *([archive_text(change, None, done=True)] if change.archive == "removed" else []),
    ]
    return lines(head, *(Text("    ") + line for text in details for line in text.split()))


def _rights(change: RunChange) -> Iterator[Text]:
    """Yield which privileges and which rights on folders were given, and which have ended."""
    old, new = change["old"] or {}, change["new"] or {}
    yield from _given_and_ended(old.get(_PRIVILEGES), new.get(_PRIVILEGES), PRIVILEGES)
    before, after = (values.get(RIGHTS) or {} for values in (old, new))
    for folder in sorted({*before, *after}):
        where = f" on the archive folder of {folder}"
        rights = before.get(folder), after.get(folder)
        yield from _given_and_ended(*rights, FOLDER_PRIVILEGES, where)


def _given_and_ended(
    old: Sequence[str] | None,
    new: Sequence[str] | None,
    labels: Mapping[str, str],
    where: str = "",
) -> Iterator[Text]:
    before, after = old or (), new or ()
    for word, colour, these, those in (
        ("given", "green", after, before),
        ("ended", "red", before, after),
    ):
        if names := [labels.get(name, name) for name in these if name not in those]:
            yield Text.assemble((word, colour), plain(f": {', '.join(names)}{where}", limit=300))
