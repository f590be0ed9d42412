"""A real Dovecot in front of a real store. It is skipped where there is none, but not in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from store.models import Settings
from sync.logon.dovecot import DEFAULT_METHODS
from tests.dovecot.site import Site, version
from tests.support.directory import Directory


def _missing() -> str | None:
    if shutil.which("dovecot") is None and "DOVECOT_ROOT" not in os.environ:
        return "Dovecot is not installed (Debian: dovecot-imapd, dovecot-auth-lua)"
    if os.geteuid() != 0:
        return "only root can start Dovecot as it is installed"
    return None


def _methods() -> list[str]:
    both = not _missing() and DEFAULT_METHODS[version()] == "checkpassword"
    return ["checkpassword", "lua"] if both else ["lua"]


@pytest.fixture(scope="session")
def dovecot() -> None:
    if reason := _missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def lua_site(dovecot: None) -> Iterator[Site]:
    with Site("lua") as site:
        yield site


@pytest.fixture(scope="session", params=_methods())
def any_site(dovecot: None, request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "lua":
        yield request.getfixturevalue("lua_site")
    else:
        with Site(request.param) as site:
            yield site


@pytest.fixture
def site(lua_site: Site) -> Site:
    """An archive that is asked for over `login-server`."""
    _reset(lua_site)
    return lua_site


@pytest.fixture
def each_site(any_site: Site) -> Site:
    """The same, once for each way in which the installed Dovecot can ask."""
    _reset(any_site)
    return any_site


@pytest.fixture
def connected(each_site: Site, directory: Directory) -> Site:
    """The same, with a directory."""
    settings = each_site.workspace.snapshot().settings
    each_site.fill(
        settings=replace(settings, directory_service="application_integration", url=directory.url)
    )
    return each_site


def _reset(site: Site) -> None:
    """Forget the failures of the test before, and its directory."""
    site.attempts.unlink(missing_ok=True)
    site.fill(settings=Settings(archive_root=str(site.archive)))
