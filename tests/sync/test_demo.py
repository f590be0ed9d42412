"""The demo: what its two directory states show, and that nothing of it stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.models import DIRECTORY_SERVICES
from store.passwords import MIN_CHARACTERS
from sync.demo import Demo
from sync.directory.connect import fetch
from sync.errors import LogOnRefused
from sync.logon.login import log_on
from sync.planning.plan import Action, Plan
from sync.runs.apply import apply_plan
from sync.runs.preview import preview


@pytest.fixture
def demo() -> Iterator[Demo]:
    with Demo.open() as opened:
        yield opened


async def plan_of(demo: Demo) -> Plan:
    workspace = demo.workspace
    return preview(workspace, await fetch(workspace, workspace.snapshot().settings))


def names(plan: Plan, action: Action) -> list[str]:
    return [change.user_name for change in plan.of(action)]


async def test_the_first_state_shows_something(demo: Demo) -> None:
    plan = await plan_of(demo)
    assert plan.guard == ()
    assert plan.listed >= 40
    assert names(plan, "create") == ["sean.obrien", "yusuf.demir"]
    assert names(plan, "update") == ["klaus-peter.zimmermann"]
    assert names(plan, "conflict") == ["stefan.jung"]
    assert plan.of("delete") == plan.of("rename") == []


async def test_the_second_state_shows_everything_at_once(demo: Demo) -> None:
    apply_plan(demo.workspace, await plan_of(demo))
    assert "second state" in demo.switch_directory()
    assert "first state again" in demo.switch_directory()
    demo.switch_directory()
    plan = await plan_of(demo)
    assert plan.guard == ()
    assert names(plan, "create") == [
        "hiroshi.tanaka",
        "lucia.marquez",
        "mila.krause",
        "noah.friedrich",
    ]
    left_out = {change.user_name: change.left_out for change in plan.changes if change.left_out}
    assert left_out == {"mila.krause": (("messe@example.com", "laura.brandt"),)}
    assert names(plan, "update") == [
        "dagmar.oezdemir",
        "emil.lindstroem",
        "hannah.schulz",
        "katharina.vogel",
        "magdalena.wisniewska",
    ]
    archives = {change.user_name: change.archive for change in plan.of("delete")}
    assert archives == {"petra.sommer": "removed", "rainer.holz": "kept"}
    assert names(plan, "rename") == ["lena.brandstetter"]
    reasons = {change.user_name: change.reason for change in plan.of("conflict")}
    assert reasons.keys() == {"lager/tor-2", "stefan.jung"}
    assert "contains “/”" in reasons["lager/tor-2"]
    assert "local user" in reasons["stefan.jung"]


async def test_the_guard_stays_open_whichever_way_one_switches(demo: Demo) -> None:
    demo.switch_directory()
    straight = await plan_of(demo)
    assert straight.guard == ()
    assert len(straight.of("delete")) == 2
    for _ in range(2):
        result = apply_plan(demo.workspace, await plan_of(demo))
        assert result.applied
        demo.switch_directory()
    assert (await plan_of(demo)).guard == ()


async def test_log_on(demo: Demo) -> None:
    assert len(demo.password) >= MIN_CHARACTERS
    await log_on(demo.workspace, demo.administrator, demo.password)
    user = await log_on(demo.workspace, demo.directory_user, demo.directory_password)
    assert user.authentication == DIRECTORY_SERVICES
    with pytest.raises(LogOnRefused):
        await log_on(demo.workspace, demo.directory_user, demo.password)


def test_only_reserved_domains(demo: Demo) -> None:
    users = demo.workspace.snapshot().users.values()
    domains = {address.split("@")[1] for user in users for address in user["email_addresses"]}
    assert domains == {"example.com", "example.org"}


def test_nothing_stays_and_nothing_else_is_touched(tmp_path: Path) -> None:
    threads = threading.active_count()
    with Demo.open() as demo:
        folder = demo.workspace.host_path.parent
        assert (folder / "archive" / "anna.mueller" / "cur").is_dir()
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


@pytest.mark.alone
def test_it_starts_quickly() -> None:
    """By the processor's time, of which other programs take nothing."""
    started = time.process_time()
    with Demo.open():
        took = time.process_time() - started
    assert took < 1


def test_the_data_is_in_the_package() -> None:
    import sync.demo

    folder = Path(sync.demo.__file__).with_name("demo_data")
    assert sorted(path.name for path in folder.iterdir()) == ["after.csv", "before.csv"]
