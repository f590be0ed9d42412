"""`mailroster systemd-units`: a timer that synchronises, for systemd."""

from __future__ import annotations

import re

import click

from tui.cli.installation import installed_command
from tui.cli.session import Session, pass_session

_UNITS = """\
# /etc/systemd/system/mailroster-sync.service
[Unit]
Description=Synchronise the mail archive's users with the company directory
Documentation=man:systemd.service(5)
Wants=network-online.target
After=network-online.target
OnFailure=mailroster-sync-failed.service

[Service]
Type=oneshot
User={user}
ExecStart={command} --store {store} sync --yes --retry
# 13: done, but conflicts were skipped; the journal names them.
SuccessExitStatus=13
TimeoutStartSec=15min
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full

# /etc/systemd/system/mailroster-sync.timer
[Unit]
Description=Synchronise the mail archive's users every {every}

[Timer]
OnCalendar={calendar}
RandomizedDelaySec=5min
Persistent=yes

[Install]
WantedBy=timers.target

# /etc/systemd/system/mailroster-sync-failed.service
# Put here what tells you: a mail, a message to your monitoring.
[Unit]
Description=Tell that synchronising the mail archive's users failed

[Service]
Type=oneshot
ExecStart=/usr/bin/logger --priority user.err --tag mailroster \\
    "The sync failed; see: journalctl -u mailroster-sync.service"
"""
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)


@click.command("systemd-units")
@click.option("--user", default="mailroster", show_default=True, help="Whose store it is.")
@click.option(
    "--on-calendar", "calendar", default="hourly", show_default=True, help="When; systemd.time(7)."
)
@pass_session
def systemd_units(session: Session, user: str, calendar: str) -> None:
    """Print a service and a timer that synchronise.

    The unit that a failure starts comes with them. A run that the delete guard stopped, or that
    failed otherwise, counts as failed. Two runs never overlap.
    """
    click.echo(
        _UNITS.format(
            user=user,
            command=" ".join(map(_quoted, installed_command())),
            store=_quoted(str(session.unread_workspace.path)),
            calendar=calendar,
            every="hour" if calendar == "hourly" else f"time ({calendar})",
        ),
        nl=False,
    )


def _quoted(path: str) -> str:
    """Return a word as a unit file spells it: `%` and `$` doubled, quoted if need be."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return path if _PLAIN.fullmatch(path) else f'"{escaped}"'
