"""What each right on a folder means over IMAP: that, and nothing else."""

from __future__ import annotations

from itertools import count

import pytest

from tests.dovecot.site import Imap, Site, local

_numbers = count()
MESSAGE = b"Subject: new\r\n\r\nbody\r\n"
EVERYTHING = {"see", "read", "append", "flag", "expunge", "subfolder", "delete subfolder"}


def possible(site: Site, imap: Imap, owner: str) -> set[str]:
    """Try everything on the owner's archive, which holds one message; return what worked."""
    name = f"Archive/{owner}"
    done = set()
    if name in imap.folders():
        done.add("see")
    if imap.status_of("append", name, "", "", MESSAGE) == "OK":  # type: ignore[arg-type]
        done.add("append")
    before = len(site.mail(owner))
    assert before == 1 + ("append" in done)
    if imap.enter(name) == "OK":
        if "hello" in str(imap.fetch("1:*", "BODY[HEADER]")):
            done.add("read")
        imap.tell("STORE", "1", "+FLAGS", r"(\Flagged)")
        if any("F" in path.name.partition(":2,")[2] for path in site.mail(owner)):
            done.add("flag")
        imap.tell("STORE", "1", "+FLAGS", r"(\Deleted)")
        imap.tell("EXPUNGE")
        if len(site.mail(owner)) < before:
            done.add("expunge")
        imap.close()
    if imap.status_of("create", f"{name}/sub") == "OK":
        done.add("subfolder")
        if imap.status_of("delete", f"{name}/sub") == "OK":
            done.add("delete subfolder")
    for status in (
        imap.status_of("delete", name),
        imap.status_of("rename", name, "Archive/elsewhere"),
        imap.status_of("setacl", name, "anybody", "lr"),
        imap.status_of("deleteacl", name, owner),
        imap.status_of("create", "Archive/mine"),
    ):
        assert status == "NO"
    return done


@pytest.mark.parametrize(
    ("whose", "rights", "privileges", "expected"),
    [
        ("another's", "none", "login", set()),
        ("another's", "read", "login", {"see", "read"}),
        ("another's", "write", "login", {"see", "read", "append", "flag"}),
        ("own", "read,write", "login", {"see", "read", "append", "flag"}),
        ("another's", "delete", "login", set()),
        ("own", "read,delete", "login", {"see", "read"}),
        ("another's", "read", "login,delete", {"see", "read"}),
        ("own", "delete", "login,delete", {"see", "read", "expunge"}),
        ("another's", "read,delete", "admin", {"see", "read", "expunge"}),
        ("own", "read,write,delete", "login", {"see", "read", "append", "flag"}),
        ("another's", "write,delete", "login,delete", {"see", "read", "append", "expunge", "flag"}),
        ("own", "read,write,delete", "login,delete", EVERYTHING),
        ("another's", "read,write,delete", "login,delete", EVERYTHING),
    ],
)
def test_rights(site: Site, whose: str, rights: str, privileges: str, expected: set[str]) -> None:
    number = next(_numbers)
    user = f"u{number}"
    owner = user if whose == "own" else f"o{number}"
    if owner != user:
        site.fill(local(owner))
    site.fill(
        local(user, privileges=privileges.split(","), folder_privileges={owner: rights.split(",")})
    )
    site.deliver(owner)
    with site.log_on(user) as imap:
        assert possible(site, imap, owner) == expected


def test_without_an_entry_nothing_is_there(site: Site) -> None:
    site.fill(local("mona"), local("nora", folder_privileges={"nora": ["none"]}))
    with site.log_on("nora") as imap:
        assert imap.folders() == []
        assert imap.status_of("select", "Archive/mona") == "NO"


def test_the_inbox_stays_empty(site: Site) -> None:
    site.fill(local("ina"))
    with site.log_on("ina") as imap:
        assert imap.status_of("append", "INBOX", "", "", MESSAGE) == "NO"  # type: ignore[arg-type]
        assert imap.status_of("create", "mine") == "NO"
        assert imap.select("INBOX", readonly=True) == ("OK", [b"0"])
