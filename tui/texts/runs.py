"""Runs of the history in words: when, by whom, how much, and what the delete guard said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from store.history import History, Run, RunSummary
from store.text import printable
from sync.runs.record import COUNTED, QUESTION, shown_settings
from sync.runs.report import SIGNS, number_word, setting_text
from tui.colours import OF_CHANGES
from tui.texts.plain import counted, grouped, lines, plain
from tui.texts.warnings import one_a_kind

_SIGNS = {**SIGNS, "rename": ">", QUESTION: "?"}  # of what was done
_COLOURS = {**OF_CHANGES, QUESTION: OF_CHANGES["rename"]}
SHORT_KINDS = {"administrator": "admin", "authentication": "method"}  # for a column
_FILTERS = 3  # how many filter rules are spelled out


def when_text(at: str) -> str:
    """Return the stored UTC time of a run to the minute."""
    return at[:16].replace("T", " ")


def signed_counts(counts: Mapping[str, int]) -> str:
    """Return counts as briefly as a column needs them."""
    return "  ".join(
        f"{_SIGNS[name]}{grouped(counts[name])}" for name in COUNTED if counts.get(name)
    )


def changes_text(run: RunSummary) -> str:
    """Return what a run changed, as briefly as a column needs it."""
    parts = [signed_counts(run.counts), ", ".join(run.settings)]
    if run.kind not in ("sync", "undo"):
        parts.insert(1, run.subject)
    return "  ".join(filter(None, parts))


def _each(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield each count above zero, with its sign, number and name."""
    for name in COUNTED:
        if counts.get(name):
            number = counts[name]
            yield name, f"{_SIGNS[name]} {grouped(number)} {number_word(number, name)}"


def notes_text(run: RunSummary, undone: bool) -> str:
    """Return the notes on a run: the delete guard, and whether it was undone."""
    return ", ".join(
        (
            *(("undone",) if undone else ()),
            *(("guard opened",) if run.confirmed else ()),
            *((f"{grouped(run.held)} held",) if run.held else ()),
        )
    )


def folded_text(history: History) -> str:
    """Return the counts of the folded runs, or nothing without folded runs."""
    if not history.folded_runs:
        return ""
    found = ", ".join(text for _, text in _each(history.folded_counts))
    return f"{counted(history.folded_runs, 'older run')}, kept as counts only: {found or 'none'}."


def heading_text(run: Run, undone: bool) -> Text:
    """Return everything about a run but its changes."""
    summary = run.summary
    kind = f"Undo of run {summary.undoes}" if summary.undoes else summary.kind.capitalize()
    first = plain(
        f"{kind} by {printable(summary.who, 60)} on {when_text(summary.at)} UTC, run {summary.id}, "
        f"generation {summary.generation}."
    )
    second = Text("  ").join(Text(text, _COLOURS[name]) for name, text in _each(summary.counts))
    if summary.kind == "sync":
        second.append(f"  {counted(summary.listed, 'user')} listed", "dim")
    if undone:
        second.append("  undone", "yellow")
    parts = [first, second, *_guard(run)]
    parts += [
        plain(f"{name}: {setting_text(both['old'])} -> {setting_text(both['new'])}", limit=300)
        for name, both in shown_settings(run).items()
    ]
    if run.filters:
        rules = [f"{rule.action} {rule.field} {rule.pattern}" for rule in run.filters]
        more = f" and {len(rules) - _FILTERS} more" if len(rules) > _FILTERS else ""
        parts.append(plain(f"Filters: {'; '.join(rules[:_FILTERS])}{more}", "dim", limit=300))
    if run.warnings:
        count = counted(len(run.warnings), "warning")
        parts.append(
            plain(f"{count}: {'; '.join(one_a_kind(run.warnings)[:5])}", "yellow", limit=300)
        )
    return lines(*parts)


def _guard(run: Run) -> list[Text]:
    parts = [plain(f"Delete guard: {sentence}", "red", limit=300) for sentence in run.guard]
    if run.summary.confirmed:
        parts.append(Text("The number of deletions was confirmed.", "red"))
    if run.summary.held:
        parts.append(Text(f"Deletions held back: {grouped(run.summary.held)}."))
    return parts
