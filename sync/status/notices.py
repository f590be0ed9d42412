"""Telling that something went wrong, or is well again: each thing once, until it changes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from store.errors import Problem, StoreError
from store.files.notes import NOTICES
from store.files.secrets import SecretBox
from store.models import Settings
from store.text import printable
from sync.errors import NotDelivered
from sync.status.receivers import post, send_mail
from sync.status.status import Trouble, status_of, troubles
from sync.workspace import Workspace

_SYNC = ("sync_failed", "guard_stop")
TOLD_OF = (*_SYNC, "conflicts", "questions", "archive", "pin")
_WELL_AGAIN = {
    "sync_failed": "Syncs succeed again.",
    "guard_stop": "Syncs succeed again.",
    "conflicts": "No conflict is left.",
    "questions": "No question is left open.",
    "archive": "The archive is mounted again.",
    "pin": "No pinned certificate ends soon.",
}

_COPY_KEY = (
    "If another host set notify_webhook, copy its key to that file, with mode 0600; else set "
    "notify_webhook again"
)


class Notice(NamedTuple):
    """What is told: a subject, a text, and the troubles that are new or changed."""

    subject: str
    text: str
    new: tuple[Trouble, ...] = ()
    is_well: bool = False


Send = Callable[[Notice], None]
_one_by_one = threading.Lock()


def tell_what_changed(workspace: Workspace) -> None:
    """Tell each receiver of the settings what changed since it was last told, after a sync.

    A receiver that hangs costs its time limit and no more. Nothing is raised: what could not be
    delivered is tried again after the next sync, and `mailroster status` says so meanwhile.
    """
    with _one_by_one, suppress(StoreError):  # the person who runs the sync saw it
        settings = workspace.state().settings
        receivers = _receivers(settings, workspace.secrets)
        if not receivers:
            return
        found = {item.kind: item for item in troubles(status_of(workspace)) if _is_told(item)}
        note = dict(workspace.store.note(NOTICES))
        known = {name: _part(note, name) for name in receivers}
        for name, send in receivers.items():
            known[name] = _told(known[name], found, send)
        if known != note:
            workspace.store.keep_note(NOTICES, known)


def tell_aside(workspace: Workspace) -> None:
    """Do so in a thread that nobody waits for, not even the end of the program."""
    threading.Thread(target=tell_what_changed, args=(workspace,), daemon=True).start()


def tell_test(workspace: Workspace) -> dict[str, Problem | None]:
    """Send a notice for a try; return the receivers, each with what went wrong or None."""
    host = socket.gethostname()
    notice = Notice(
        f"mailroster on {host}: a test",
        "This is a test of the notices that mailroster sends after a sync. Nothing is wrong.",
        is_well=True,
    )
    found: dict[str, Problem | None] = {}
    receivers = _receivers(workspace.state().settings, workspace.secrets)
    for name, send in receivers.items():
        found[name] = _delivered(send, notice)
    return found


def notice_of(told: Mapping[str, str], found: Mapping[str, Trouble]) -> Notice | None:
    """Return what to tell a receiver who was `told` these marks by kind, or None."""
    new = tuple(item for kind, item in found.items() if told.get(kind) != item.mark)
    gone = [kind for kind in told if kind not in found]
    if any(kind in found for kind in _SYNC):
        gone = [kind for kind in gone if kind not in _SYNC]
    if not (new or gone):
        return None
    host = socket.gethostname()
    is_well = not found
    what = new[0].problem.what if new else "well again" if is_well else "something is well again"
    lines = [*(str(item.problem) for item in new)]
    lines += dict.fromkeys(_WELL_AGAIN.get(kind, "") for kind in gone)
    lines.append("Everything is well." if is_well else "`mailroster status` tells more.")
    text = "\n\n".join(printable(line) for line in lines if line)
    return Notice(f"mailroster on {host}: {printable(what, 120)}", text, new, is_well)


def _told(known: Mapping[str, Any], found: Mapping[str, Trouble], send: Send) -> dict[str, Any]:
    told = _part(known, "told")
    notice = notice_of(told, found)
    marks = {kind: item.mark for kind, item in found.items()}
    if notice is None:
        return {"told": marks}
    problem = _delivered(send, notice)
    if problem is None:
        return {"told": marks}
    return {"told": told, "problem": problem.to_record()}


def _part(note: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return this part of the note; one that is damaged is written anew, as if there were none."""
    part = note.get(name)
    return dict(part) if isinstance(part, dict) else {}


def _delivered(send: Send, notice: Notice) -> Problem | None:
    try:
        send(notice)
    except NotDelivered as error:
        return error
    return None


def _receivers(settings: Settings, secrets: SecretBox) -> dict[str, Send]:
    return dict(_each_receiver(settings, secrets))


def _each_receiver(settings: Settings, secrets: SecretBox) -> Iterator[tuple[str, Send]]:
    if token := settings.notify_webhook:

        def to_webhook(notice: Notice) -> None:
            try:
                url = secrets.decrypt(token, "The URL in notify_webhook", _COPY_KEY)
            except StoreError as error:
                raise NotDelivered(error.what, error.advice) from None
            post(url, _record(notice))

        yield "webhook", to_webhook
    if settings.notify_mail:
        yield (
            "mail",
            lambda notice: send_mail(settings.notify_mail, notice.subject, notice.text),
        )


def _record(notice: Notice) -> dict[str, Any]:
    """Return the notice as a webhook gets it; `text` is what chat services show."""
    return {
        "text": f"{notice.subject}\n\n{notice.text}",
        "subject": notice.subject,
        "well": notice.is_well,
        "host": socket.gethostname(),
        "troubles": [item.to_record() for item in notice.new],
    }


def _is_told(trouble: Trouble) -> bool:
    return trouble.kind in TOLD_OF
