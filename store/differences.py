"""What changed between the state that a batch was made from and the one it meets."""

from __future__ import annotations

from collections import Counter

from store.interface import Batch, Snapshot
from store.text import printable, shown_time


def differences(current: Snapshot, batch: Batch) -> list[str]:
    """Return one sentence per user or setting of the batch that someone else changed.

    A user whom the batch itself changes twice is among them: one change would be lost.
    """
    found = []
    then, now = batch.based_on_settings, current.settings
    if then is not None and then != now:
        found.append(f"the settings were changed ({', '.join(then.changes_to(now))})")
    leaving = Counter(edit.key for edit in batch.edits if edit.rev)
    for edit in batch.edits:
        row = current.users.get(edit.key)
        if edit.rev == (row["rev"] if row else 0) or (not edit.rev and edit.key in leaving):
            continue
        name = printable(row["user_name"] if row else edit.key)
        if row is None:
            found.append(f"user “{name}” was deleted")
        elif edit.rev == 0:
            found.append(f"user “{name}” was added")
        else:
            found.append(f"user “{name}” was changed on {shown_time(row['changed'])}")
    twice = [key for key, edits in leaving.items() if edits > 1]
    return found + [f"user “{printable(key)}” is changed twice by one write" for key in twice]
