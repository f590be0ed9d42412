"""The delete guard: when deletions need a confirmation by their exact number."""

from __future__ import annotations

from store.models import Settings


def guard_sentences(settings: Settings, *, listed: int, managed: int, deletes: int) -> list[str]:
    """Return a sentence for each condition that blocks, with its figures.

    `listed` counts the directory's records, `managed` the users here that a sync may delete,
    `deletes` those that it would delete.
    """
    if not listed:
        return [
            "The directory answered no users at all, which looks like an outage; on such an "
            "answer nobody is ever deleted."
        ]
    if not deletes:
        return []
    sentences = []
    if deletes == managed:
        sentences.append(f"All {managed} managed users would be deleted.")
    if deletes > settings.guard_max_deletes:
        sentences.append(
            f"{deletes} deletions exceed the limit of {settings.guard_max_deletes} "
            "(guard_max_deletes)."
        )
    percent = settings.guard_max_delete_percent
    if deletes > settings.guard_small_deletes and deletes * 100 > percent * managed:
        sentences.append(
            f"{deletes} deletions are more than {percent} % of the {managed} managed users "
            "(guard_max_delete_percent)."
        )
    return sentences
