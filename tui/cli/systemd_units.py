"""`mailroster systemd-units`: the systemd units that run mailroster on this host."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from store.locations import ARCHIVE_VARIABLE, archive_root
from store.text import printable
from sync.logon.mail_access import default_homes
from sync.workspace import Workspace
from tui.cli.installation import installed_command
from tui.cli.session import Session, pass_session, wrong_usage

_UNITS = {
    "mailroster-sync.service": """\
[Unit]
Description=Synchronise the mail archive's users with the company directory
Wants=network-online.target
After=network-online.target
OnFailure=mailroster-sync-failed.service

[Service]
Type=oneshot
ExecStart={command} sync --yes --retry
# 13: done, but conflicts or open questions were left; the journal names them.
SuccessExitStatus=13
TimeoutStartSec=15min
{sandbox}""",
    "mailroster-sync.timer": """\
[Unit]
Description=Synchronise the mail archive's users every {every}

[Timer]
OnCalendar={calendar}
RandomizedDelaySec=5min
Persistent=yes

[Install]
WantedBy=timers.target
""",
    "mailroster-sync-failed.service": """\
# Put your own alert here, beside notify_webhook and notify_mail: a message to your monitoring.
[Unit]
Description=Report that synchronising the mail archive's users failed

[Service]
Type=oneshot
ExecStart=/usr/bin/logger --priority user.err --tag mailroster \\
    "The sync failed; see: journalctl -u mailroster-sync.service"
{sandbox}""",
    "mailroster-login-server.service": """\
[Unit]
Description=Answer log-ons to the mail archive
After=network.target
Before=dovecot.service

[Service]
Type=exec
ExecStart={command} login-server
Restart=on-failure
{sandbox}
[Install]
WantedBy=multi-user.target
""",
}
# It may write its own files, reach the network, and nothing else.
_SANDBOX = """\
User={user}
UMask=0077
{environment}{writable}
ProtectSystem=strict
ProtectHome={protect_home}
PrivateTmp={private_tmp}
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
CapabilityBoundingSet=
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))
_TEMPORARY = tuple(map(Path, ("/tmp", "/var/tmp")))  # noqa: S108 - nothing is made there
_PASSED_ON = (ARCHIVE_VARIABLE, "XDG_CONFIG_HOME")
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)
_USER = re.compile(r"(?!-)[\w.@+-]+\$?")
_CALENDAR = re.compile(r"(?!-)[\w *,.:/~+-]+", re.ASCII)
_SECONDS = 10


@click.command("systemd-units")
@click.option(
    "--user", default="mailroster", show_default=True, help="The user that owns the store."
)
@click.option(
    "--on-calendar",
    "calendar",
    default="hourly",
    show_default=True,
    help="When to sync; see systemd.time(7).",
)
@click.option(
    "--out",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write each unit to a file in this folder, such as /etc/systemd/system.",
)
@pass_session
def systemd_units(session: Session, user: str, calendar: str, out: Path | None) -> None:
    """Print systemd units for the sync and for log-ons.

    They are a sync, its timer, an alert after a failed sync, and the login-server. A sync fails if
    the delete guard stops it or anything else goes wrong. Two syncs never overlap.
    """
    if problem := _user_problem(user):
        raise wrong_usage(
            problem,
            "Give the user who owns the store with --user; `adduser --system --group mailroster` "
            "makes one.",
            "Nothing was printed.",
        )
    if problem := _calendar_problem(calendar):
        raise wrong_usage(
            f"systemd cannot start a sync at the time “{printable(calendar, 60)}”: {problem}.",
            "Give one as systemd.time(7) describes it, such as “*-*-* 02:30”.",
            "Nothing was printed.",
        )
    workspace = session.unread_workspace
    words = (*installed_command(), "--store", workspace.store_argument)
    values = {
        "command": " ".join(map(_argument, words)),
        "calendar": calendar,
        "every": "hour" if calendar == "hourly" else f"time ({calendar})",
        "sandbox": _sandbox(workspace, user),
    }
    for name, unit in _UNITS.items():
        text = unit.format(**values)
        if out:
            (out / name).write_text(text)
            click.echo(f"Wrote {printable(out / name)}.")
        else:
            click.echo(f"# /etc/systemd/system/{name}\n{text}")


def _sandbox(workspace: Workspace, user: str) -> str:
    """Return the lines that let a service write the files of this store, and nothing else."""
    home = Path(_entry(user).pw_dir)
    written = sorted({path.absolute() for path in _written(workspace, home)})
    needed = (*written, home, Path(installed_command()[0]))
    variables = [f"{name}={os.environ[name]}" for name in _PASSED_ON if os.environ.get(name)]
    return _SANDBOX.format(
        user=user,
        environment="".join(f"Environment={_quoted(variable)}\n" for variable in variables),
        writable="\n".join(
            f"ReadWritePaths=-{_quoted(str(path))}"
            for path in written
            if not _any_below([path], written)
        ),
        protect_home="read-only" if _any_below(needed, _HOMES) else "yes",
        private_tmp="no" if _any_below(needed, _TEMPORARY) else "yes",
    )


def _written(workspace: Workspace, home: Path) -> Iterator[Path]:
    """Yield the folders in which mailroster makes files, as the user with that home."""
    yield workspace.host_path.parent
    yield Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config", "mailroster")
    yield default_homes(workspace)
    root = archive_root(workspace.state().settings.archive_root, workspace.host_path)
    if root is not None:
        yield root


def _any_below(paths: Iterable[Path], tops: Iterable[Path]) -> bool:
    """Tell whether one of the paths is in one of the folders, at any depth."""
    return any(top in path.parents for path in paths for top in tops)


def _entry(user: str) -> pwd.struct_passwd:
    """Return what the system has about a user, by name or number; raises `KeyError`."""
    return pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)


def _user_problem(user: str) -> str:
    """Return why no service can run as that user, or nothing."""
    if not _USER.fullmatch(user):
        return f"“{printable(user, 60)}” is not the name of a system user."
    try:
        uid = _entry(user).pw_uid
    except KeyError:
        return f"This machine has no user “{printable(user, 60)}”, so systemd could not start it."
    if uid == 0:
        return "As root the sync would make archive folders that mail servers cannot read."
    return ""


def _calendar_problem(calendar: str) -> str:
    """Return why systemd would refuse the time, or nothing; without systemd, check characters."""
    if not _CALENDAR.fullmatch(calendar):
        return "it is empty, or has a character that a time cannot have"
    try:
        asked = subprocess.run(
            ["systemd-analyze", "calendar", calendar],  # noqa: S607 - wherever it is installed
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    if asked.returncode:
        return printable(asked.stderr.strip(), 200)
    return "that time never comes" if "Next elapse: never" in asked.stdout else ""


def _argument(word: str) -> str:
    """Return a word of a command as a unit file spells it: `$` doubled, too."""
    return _quoted(word).replace("$", "$$")


def _quoted(word: str) -> str:
    """Return a word as a unit file spells it: `%` doubled, quoted if need be."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return word if _PLAIN.fullmatch(word) else f'"{escaped}"'
