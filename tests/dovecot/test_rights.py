"""What each right on a folder means over IMAP: that, and nothing else."""

from __future__ import annotations

from itertools import count

import pytest

from tests.dovecot.site import Imap, Site, local
from tests.support.waiting import comes_true

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


def test_moving_mail_out_of_an_archive_needs_delete_there(site: Site) -> None:
    site.fill(
        local(
            "mike",
            privileges=["login", "delete"],
            folder_privileges={"mike": ["read", "write", "delete"], "nele": ["read", "write"]},
        ),
        local("nele"),
    )
    site.deliver("nele")
    with site.log_on("mike") as imap:
        assert imap.enter("Archive/nele") == "OK"
        imap.tell("MOVE", "1", '"Archive/mike"')
        assert len(site.mail("nele")) == 1
        assert imap.tell("COPY", "1", '"Archive/mike"') == "OK"
        assert imap.enter("Archive/mike") == "OK"
        copied = len(site.mail("mike"))
        assert imap.tell("MOVE", "1", '"Archive/nele"') == "OK"
    assert len(site.mail("mike")) == copied - 1
    assert len(site.mail("nele")) == 2


def test_it_is_the_missing_x_that_keeps_an_archive_folder(site: Site) -> None:
    """The control of what nobody may do: with that letter the server would delete the folder."""
    everything = {"xaver": ["read", "write", "delete"]}
    site.fill(local("xaver", privileges=["login", "delete"], folder_privileges=everything))
    with site.log_on("xaver") as imap:
        assert imap.tell("DELETE", '"Archive/xaver"') == "NO"

        def is_deleted_with_x() -> bool:
            acl = site.homes / "xaver" / "acl"  # which the login server may write anew
            acl.write_text(acl.read_text().replace("lrwstipek\n", "lrwstipekx\n"))
            return imap.tell("DELETE", '"Archive/xaver"') == "OK"

        assert comes_true(is_deleted_with_x)


def test_a_former_users_deputy_does_not_see_a_new_user_of_that_name(site: Site) -> None:
    site.fill(local("kim"), local("deputy", folder_privileges={"kim": ["read"]}))
    site.deliver("kim")
    site.mailroster("users", "delete", "kim", "--yes")
    with site.log_on("deputy") as imap:
        assert imap.folders() == ["Archive/kim"]
    site.mailroster("users", "add", "kim", stdin="correct horse battery")
    with site.log_on("deputy") as imap:
        assert imap.folders() == []
        assert imap.enter("Archive/kim") == "NO"
    with site.log_on("kim", "correct horse battery") as imap:
        assert imap.folders() == ["Archive/kim"]
