"""Directory types are values: their fields, their order, their rules, their warnings."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store.errors import InvalidSetting, InvalidValue
from store.models import Settings
from sync.configure import configure, draft
from sync.directory.connect import check_configured, connect
from sync.directory.types import (
    TYPES,
    all_fields,
    check_fields,
    insecurity,
    setting,
    setting_keys,
)
from sync.directory.types.directory_type import SettingField
from sync.errors import CertificateRefused, NotConfigured
from sync.runs.apply import apply_plan
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.user_file import USER_FILE

ROOT = Path(__file__).parents[3]
OURS = "application_integration"


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second type, known by one line."""
    monkeypatch.setitem(TYPES, USER_FILE.name, USER_FILE)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, ""),
        ({"directory_service": "none", "url": "http://x.org/"}, ""),
        ({"url": "https://x.org/"}, ""),
        ({"url": "http://x.org/"}, "plain http"),
        ({"url": "HTTP://x.org/"}, "plain http"),
        ({"url": "http://localhost:80/"}, ""),
        ({"url": "http://127.8.8.8/"}, ""),
        ({"url": "http://[::1]:1/"}, ""),
        ({"url": "http://localhost.example.com/"}, "plain http"),
        ({"url": "http://10.0.0.1/", "ignore_ssl_warnings": True}, "plain http"),
        ({"url": "https://x.org/", "ignore_ssl_warnings": True}, "SSL warnings are ignored"),
    ],
)
def test_what_makes_the_connection_insecure(settings: dict[str, Any], says: str) -> None:
    risk = insecurity(Settings(**{"directory_service": OURS, **settings}))
    assert says in risk
    assert bool(says) is bool(risk)


def test_a_type_adds_settings_of_its_own(second: None) -> None:
    assert [key for key in setting_keys() if key.startswith("user_file")] == [
        "user_file",
        "user_file_separator",
        "user_file_header_lines",
        "user_file_in_clear",
    ]
    drafted = draft(
        Settings(), {"user_file": "/x", "user_file_in_clear": "true", "user_file_header_lines": "2"}
    )
    assert setting(drafted, "user_file_in_clear") is True
    assert setting(drafted, "user_file_header_lines") == 2
    assert setting(drafted, "user_file_separator") == "colon"
    assert drafted.more == {
        "user_file": "/x",
        "user_file_in_clear": True,
        "user_file_header_lines": 2,
    }
    assert Settings.from_stored(drafted.to_stored()) == drafted
    assert drafted.to_stored()["user_file"] == "/x"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"user_file": "relative"}, "user_file must be an absolute path"),
        ({"user_file_header_lines": "many"}, "user_file_header_lines"),
        (
            {"user_file_separator": "comma"},
            "user_file_separator cannot be “comma”.*colon, semicolo",
        ),
        ({"user_fil": "/x"}, "“user_fil” is not a setting"),
        (
            {"directory_service": "nonsense"},
            "nonsense.*none, application_integration, ldap, user_file",
        ),
    ],
)
def test_and_their_rules(second: None, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        draft(Settings(directory_service="user_file", more={"user_file": "/x"}), changes)


def test_a_type_without_its_place_is_not_taken(second: None) -> None:
    with pytest.raises(InvalidSetting):
        draft(Settings(), {"directory_service": "user_file"})


def test_the_settings_of_other_types_do_not_matter(second: None) -> None:
    """An administrator may go over to another type and back without emptying its fields."""
    foreign = Settings(url="ldaps://a ldaps://b", directory_service="user_file")
    check_fields(replace(foreign, more={"user_file": "/x"}))
    with pytest.raises(InvalidValue, match="does not start with http"):
        check_fields(replace(foreign, directory_service=OURS))


def test_without_a_type_what_is_set_has_to_be_right_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_fields(Settings(url="ldaps://a"))  # which is right for LDAP
    without = Settings(url="gopher://a")
    with pytest.raises(InvalidValue, match="does not start with http"):
        check_fields(without)
    fields = (SettingField("url", "Servers"),)
    monkeypatch.setitem(TYPES, "lenient", replace(USER_FILE, name="lenient", fields=fields))
    check_fields(without)


@pytest.mark.parametrize(
    ("service", "url", "advice"),
    [
        (
            OURS,
            "LDAPS://dc1",
            "Choose LDAP as the directory service (directory_service=ldap). "
            "If Application Integration is right: Give it as https://host:port/path.",
        ),
        (OURS, "gopher://dc1", "Give it as https://host:port/path."),
        (
            "ldap",
            "https://host/",
            "Choose Application Integration as the directory service "
            "(directory_service=application_integration). If LDAP is right: Give it as "
            "ldaps://host:port; several servers with a space between them.",
        ),
        (
            "ldap",
            "ldaps://a http://b",
            "Give it as ldaps://host:port; several servers with a space between them.",
        ),
    ],
)
def test_a_url_of_another_type_leads_to_that_type(service: str, url: str, advice: str) -> None:
    settings = Settings(directory_service=service, url=url, more={"ldap_base": "dc=x"})
    with pytest.raises(InvalidValue, match="does not start with") as caught:
        check_fields(settings)
    assert caught.value.advice == advice


def test_each_type_finds_its_fields_in_its_order(second: None) -> None:
    keys = [field.key for field in all_fields()]
    assert len(keys) == len(set(keys))
    for kind in TYPES.values():
        own = [field.key for field in kind.fields]
        assert [key for key in keys if key in own] == own


async def test_a_type_that_is_not_known_here_is_not_set_up(workspace: Workspace) -> None:
    settings = Settings(directory_service="user_file", url="https://x.org/")
    assert insecurity(settings) == ""
    with pytest.raises(NotConfigured):
        check_configured(settings)
    with pytest.raises(NotConfigured):
        await connect(workspace, settings)


@pytest.mark.parametrize(
    ("service", "advice"),
    [
        ("none", "Choose Application Integration or LDAP on"),
        ("ldap", "Choose LDAP on the Connection screen and enter where it is, or run "
         "`mailroster settings set directory_service=ldap url=...`."),
    ],
)  # fmt: skip
def test_who_has_not_said_where_is_told_of_the_type_that_is_chosen(
    service: str, advice: str
) -> None:
    with pytest.raises(NotConfigured, match=re.escape(advice)):
        check_configured(Settings(directory_service=service))


@pytest.mark.parametrize("more", [{"user_file_in_clear": "true"}, {"user_file": ["/x"]}])
def test_a_wrong_value_in_the_store_is_told_and_not_guessed(
    second: None, more: dict[str, Any]
) -> None:
    settings = Settings(directory_service="user_file", more={"user_file": "/x", **more})
    with pytest.raises(NotConfigured, match=f"The setting {next(iter(more))} has a wrong value"):
        check_configured(settings)
    assert insecurity(settings) == ""


async def test_a_type_may_have_no_certificate(second: None) -> None:
    assert "no certificate" in USER_FILE.why_no_certificate(Settings())
    with pytest.raises(CertificateRefused):
        await USER_FILE.fetch_certificate(Settings())


def test_undo_takes_settings_of_a_type_back(second: None, workspace: Workspace) -> None:
    configure(workspace, {"directory_service": "user_file", "user_file": "/x"})
    configure(workspace, {"user_file": "/y"})
    for then in ({"user_file": "/x"}, {}):
        last = [run for run in workspace.store.runs() if not run.undoes][-1 if then else -2]
        apply_plan(workspace, undo_preview(workspace, last.id))
        assert workspace.snapshot().settings.more == then
    assert workspace.snapshot().settings == Settings()


def _spelling(folders: tuple[str, ...], *words: str) -> set[str]:
    return {
        str(file.relative_to(ROOT))
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        if any(word in file.read_text() for word in words)
    }


def test_planning_spells_no_name_of_the_wire() -> None:
    wire = ("userName", "distinguishedName", "fullName", "emailAddresses")
    assert _spelling(("sync/planning",), *wire) == set()
    assert "sync/directory/listing.py" in _spelling(("sync/directory",), *wire)


def test_no_screen_and_no_rule_names_a_type() -> None:
    assert _spelling(("store", "sync", "tui"), OURS, OURS.upper()) == {
        "sync/directory/types/application_integration.py",
        "sync/directory/types/ldap/ldap_type.py",  # shares the fields of a connection
        "sync/directory/types/__init__.py",
        "sync/demo.py",
    }
    named = _spelling(("store", "sync", "tui"), "types.ldap", '"ldap"', "LDAP.name")
    own = {name for name in named if name.startswith("sync/directory/types/ldap/")}
    assert named - own == {"sync/directory/types/__init__.py"}
