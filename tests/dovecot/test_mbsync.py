"""mbsync, a mail program that is not ours, fetches the archive and adds to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.dovecot.site import PASSWORD, Site, local
from tests.support.programs import require

_CONFIG = """
IMAPAccount archive
Host 127.0.0.1
Port {port}
User "{user}"
Pass "{password}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account archive

MaildirStore near
Path {folder}/mail/
Inbox {folder}/inbox
SubFolders Verbatim

Channel archive
Far :far:
Near :near:
Patterns Archive/*
Sync {sync}
Create Near
SyncState *
"""


def mbsync(
    site: Site, folder: Path, user: str, sync: str, password: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    program = require("mbsync", "isync")
    (folder / "mail").mkdir(exist_ok=True)
    config = folder / "mbsyncrc"
    config.write_text(
        _CONFIG.format(port=site.port, user=user, password=password, folder=folder, sync=sync)
    )
    return subprocess.run(
        [program, "-c", str(config), "archive"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )


def mail(folder: Path, owner: str) -> list[str]:
    """The subjects of what was fetched of somebody's archive."""
    there = (folder / "mail" / "Archive" / owner).glob("*/*,U=*")
    return sorted(path.read_text().splitlines()[0] for path in there)


def test_it_fetches_what_the_user_may_read(each_site: Site, tmp_path: Path) -> None:
    each_site.fill(
        local("wanda", folder_privileges={"wanda": ["read"], "xaver": ["read"]}),
        local("xaver"),
        local("yvonne"),
    )
    for owner in ("wanda", "xaver", "yvonne"):
        for number in range(3):
            each_site.deliver(owner, f"{owner} {number}")
    done = mbsync(each_site, tmp_path, "wanda", "Pull")
    assert done.returncode == 0, done.stderr
    for owner in ("wanda", "xaver"):
        assert mail(tmp_path, owner) == [f"Subject: {owner} {number}" for number in range(3)]
    assert not (tmp_path / "mail" / "Archive" / "yvonne").exists()
    refused = mbsync(each_site, tmp_path, "wanda", "Pull", password="wrong")
    assert refused.returncode != 0


def test_it_adds_where_the_user_may_write_and_only_there(each_site: Site, tmp_path: Path) -> None:
    each_site.fill(
        local("wanda", folder_privileges={"wanda": ["read", "write"], "xaver": ["read"]}),
        local("xaver"),
    )
    before = {owner: len(each_site.mail(owner)) for owner in ("wanda", "xaver")}
    assert mbsync(each_site, tmp_path, "wanda", "Pull").returncode == 0
    for owner in ("wanda", "xaver"):
        new = tmp_path / "mail" / "Archive" / owner / "new" / f"{owner}.test"
        new.write_text("Subject: from here\n\nbody\n")
    mbsync(each_site, tmp_path, "wanda", "Push New")
    assert len(each_site.mail("wanda")) == before["wanda"] + 1
    assert len(each_site.mail("xaver")) == before["xaver"]
