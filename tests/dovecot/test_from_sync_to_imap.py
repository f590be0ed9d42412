"""The whole way: the directory lists a user, a sync takes it over, the user reads mail."""

from __future__ import annotations

import imaplib
import time

from sync.logon.accepted_before import SECONDS
from tests.dovecot.site import Site
from tests.support.directory import Directory


def test_from_sync_to_imap(each_site: Site, directory: Directory) -> None:
    name = "Zoë.Sync"
    each_site.mailroster(
        "settings",
        "set",
        "directory_service=application_integration",
        f"url={directory.url}",
        "auto_delete=true",
    )
    directory.put("somebody.else", **{name: "first password"})
    each_site.mailroster("sync", "--yes", "--hold-deletes")
    each_site.deliver(name, "kept for good")
    with each_site.log_on(name, "first password") as imap:
        (own,) = imap.folders()
        assert imap.enter(own) == "OK"
        assert "kept for good" in str(imap.fetch("1", "BODY[HEADER]"))

    directory.put("somebody.else", **{name: "second password"})
    wait_until_refused(each_site, name, "first password")
    with each_site.log_on(name, "second password"):
        pass

    directory.put("somebody.else")
    managed = [
        row
        for row in each_site.workspace.snapshot().users.values()
        if row["authentication"] == "directory_services"
    ]
    each_site.mailroster("sync", "--yes", "--allow-deletes", str(len(managed) - 1))
    assert "AUTHENTICATIONFAILED" in each_site.refusal(name, "second password")
    assert each_site.workspace.snapshot().find(name) is None
    assert len(each_site.mail(name)) == 1


def wait_until_refused(site: Site, name: str, password: str) -> None:
    """Try until the directory's answer counts: `login-server` remembers the last for `SECONDS`."""
    remembered_until = time.monotonic() + (SECONDS if site.method == "lua" else 0)
    while time.monotonic() < remembered_until and not is_refused(site, name, password):
        time.sleep(0.2)
    assert is_refused(site, name, password)


def is_refused(site: Site, name: str, password: str) -> bool:
    try:
        site.log_on(name, password).shutdown()
    except imaplib.IMAP4.error as error:
        return "AUTHENTICATIONFAILED" in str(error)
    return False
