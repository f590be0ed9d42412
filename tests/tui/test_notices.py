"""Notices on the screens: their fields on Options, and who is told after a sync."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from store.models import User
from sync.configure import configure
from sync.workspace import Workspace
from tests.support.directory import Directory
from tests.support.receivers import TOKEN, Receiver, running_receiver
from tests.support.waiting import comes_true
from tests.tui.driver import Driver, driving

ROOT = {"administrator": "root"}
ANNA = User(user_name="anna")  # a local user, so one of the directory with that name is a conflict


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as server:
        yield server


def telling(workspace: Workspace, url: str) -> Workspace:
    """Have that webhook told."""
    configure(workspace, {}, secrets={"notify_webhook": url})
    return workspace


async def synchronize(admin: Driver) -> None:
    await admin.press("f5", "t")
    await admin.sees("in scope")
    await admin.press("s")
    await admin.sees("This will:")
    await admin.press("y")
    await admin.sees("Done: + 1 create")


async def test_the_webhook_is_kept_and_shown_like_the_password(
    filled: Callable[..., Workspace], receiver: Receiver
) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f3", "ctrl+o")
        await admin.sees("It is not set.")
        await admin.focus("#notify_webhook")
        await admin.type("ftp://example.com/")
        await admin.sees("“webhook (URL)” is not a URL that begins with https://")
        await admin.press("ctrl+u")
        await admin.type(receiver.url)
        await admin.focus("#notify_mail")
        await admin.type("postmaster@example.com")
        await admin.press("ctrl+s")
        await admin.sees("Saved.", "(set) leave empty to keep it")
        settings = workspace.snapshot().settings
        assert workspace.secrets.decrypt(settings.notify_webhook) == receiver.url
        assert settings.notify_mail == "postmaster@example.com"
        assert TOKEN not in admin.text + workspace.host_path.read_text()
        await admin.press("ctrl+u")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")
        assert workspace.snapshot().settings.notify_webhook == settings.notify_webhook
        await admin.press("ctrl+o")
        await admin.sees("(forgotten as soon as you save)", "Not saved yet.")
        await admin.press("ctrl+s")
        await admin.sees("Saved.", "(empty)")
        assert workspace.snapshot().settings.notify_webhook == ""


async def test_a_sync_on_the_screens_tells_once(
    filled: Callable[..., Workspace], directory: Directory, receiver: Receiver
) -> None:
    directory.put("anna", "bert")
    workspace = telling(filled(ANNA), receiver.url)
    async with driving(workspace, **ROOT) as admin:
        await synchronize(admin)
        assert comes_true(lambda: bool(receiver.got))
        directory.put("anna", "bert", "carla")
        await synchronize(admin)
    assert comes_true(lambda: bool(workspace.store.note("notices")["webhook"]["told"]))
    (notice,) = receiver.got
    assert [trouble["kind"] for trouble in notice["troubles"]] == ["conflicts"]


async def test_a_receiver_that_hangs_delays_neither_the_sync_nor_the_end(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna", "bert")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        workspace = telling(filled(ANNA), f"http://127.0.0.1:{silent.getsockname()[1]}/")
        async with driving(workspace, **ROOT) as admin:
            await synchronize(admin)
            connection, _ = silent.accept()  # the receiver is being told
            await admin.press("f6")
            await admin.sees("bert")
            ended = time.monotonic()
        assert time.monotonic() - ended < 5
        assert not workspace.store.note("notices")  # the control: it still hangs
        connection.close()
    assert comes_true(lambda: "webhook" in workspace.store.note("notices"))
