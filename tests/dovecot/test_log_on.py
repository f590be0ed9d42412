"""Who gets in over IMAP, and what the others are told."""

from __future__ import annotations

import pytest

from store.errors import InvalidValue
from store.models import DIRECTORY_SERVICES
from sync.runs.by_hand import add_user
from tests.dovecot.site import PASSWORD, Site, local
from tests.support.builders import managed
from tests.support.directory import Directory

REFUSED = "[AUTHENTICATIONFAILED] Authentication failed."


def test_a_local_user(each_site: Site) -> None:
    each_site.fill(local("anna"))
    with each_site.log_on("ANNA") as imap:
        assert imap.folders() == ["Archive/anna"]
    assert each_site.refusal("anna", "wrong horse battery") == REFUSED


def test_a_directory_user(connected: Site, directory: Directory) -> None:
    directory.put(dora="the directory's")
    connected.fill(managed("dora", folder_privileges={"dora": ["read"]}))
    with connected.log_on("dora", "the directory's") as imap:
        assert imap.folders() == ["Archive/dora"]
    assert connected.refusal("dora", PASSWORD) == REFUSED
    assert [line for line in directory.log if "userName=dora" in line]


def test_an_unknown_and_a_disabled_user(each_site: Site) -> None:
    each_site.fill(local("off", privileges=["none"]))
    assert each_site.refusal("off") == REFUSED
    assert each_site.refusal("nobody at all") == REFUSED


def test_a_locked_user(each_site: Site) -> None:
    each_site.fill(local("lola"))
    for _ in range(4):
        each_site.workspace.lockout.settle("lola", None, right=False)
    assert each_site.refusal("lola", "wrong horse battery") == REFUSED
    assert each_site.refusal("lola") == REFUSED
    each_site.mailroster("users", "unlock", "lola")
    with each_site.log_on("lola"):
        pass


def test_the_directory_is_down(connected: Site, directory: Directory) -> None:
    connected.fill(managed("dora"), local("anna"))
    directory.stop()
    assert connected.refusal("dora", "the directory's").startswith("[UNAVAILABLE]")
    with connected.log_on("anna"):
        pass
    assert not connected.attempts.exists()


@pytest.mark.parametrize("content", [None, b"{", b"{}"], ids=["missing", "cut", "foreign"])
def test_the_store_is_missing_or_damaged(each_site: Site, content: bytes | None) -> None:
    each_site.fill(local("anna"))
    kept = each_site.store.with_name("kept")
    each_site.store.rename(kept)
    try:
        if content is not None:
            each_site.store.write_bytes(content)
        assert each_site.refusal("anna").startswith("[UNAVAILABLE]")
    finally:
        kept.replace(each_site.store)
    with each_site.log_on("anna"):
        pass


def test_a_damaged_hash_is_no_wrong_password(each_site: Site) -> None:
    each_site.fill(local("broken", password_hash="$2b$12$nonsense"))
    assert each_site.refusal("broken").startswith("[UNAVAILABLE]")


def test_no_login_server(site: Site) -> None:
    site.fill(local("anna"))
    site.stop_login_server()
    try:
        assert site.refusal("anna").startswith("[UNAVAILABLE]")
    finally:
        site.start_login_server()
    with site.log_on("anna"):
        pass


def test_names_with_other_characters(each_site: Site) -> None:
    for name in ("Jörg Müller", "a+b@example.org", "q\"uo'te = 日本"):
        each_site.fill(local(name))
        each_site.deliver(name, "for you")
        with each_site.log_on(name) as imap:
            (own,) = imap.folders()
            assert imap.select(f'"{own}"')[1] == [b"1"]
            assert b"for you" in imap.fetch("1", "BODY[HEADER]")[1][0][1]  # type: ignore[index, operator]


def test_refused_names_never_get_there(each_site: Site) -> None:
    each_site.fill(local("anna"))
    homes = each_site.home_names()
    for name in ("*", "../anna", "an\u202ena"):
        with pytest.raises(InvalidValue):
            add_user(each_site.workspace, local(name), PASSWORD)
        assert each_site.refusal(name) == REFUSED
    assert each_site.home_names() == homes


def test_a_switched_user_needs_the_other_password(connected: Site, directory: Directory) -> None:
    directory.put(sven="the directory's")
    connected.fill(local("sven"))
    connected.mailroster("users", "set-auth", "sven", DIRECTORY_SERVICES)
    assert connected.refusal("sven") == REFUSED
    with connected.log_on("sven", "the directory's"):
        pass
    connected.mailroster("users", "set-auth", "sven", "integrated")
    with connected.log_on("sven"):
        pass


def test_a_store_without_archive_folders_cannot_be_served(each_site: Site) -> None:
    each_site.fill(local("anna"))
    each_site.mailroster("settings", "set", "archive_root=none")
    try:
        assert each_site.refusal("anna").startswith("[UNAVAILABLE]")
        assert each_site.refusal("anna", "wrong horse battery") == REFUSED
    finally:
        each_site.mailroster("settings", "set", f"archive_root={each_site.archive}")
    with each_site.log_on("anna"):
        pass
