"""Who is told by notices: a webhook over HTTP, and a mail by the host's `sendmail`."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from store.errors import InvalidSetting
from store.text import printable
from sync.directory.name_lookup import abandon_slow_lookups
from sync.errors import NotDelivered

SECONDS = 10.0  # for a notice in all, however slow its receiver is
_PATH = "/usr/sbin:/usr/bin:/usr/lib"  # beside PATH: cron's lacks the first


def check_webhook(url: str) -> None:
    """Raise `InvalidSetting`, without the URL, if no notice can be sent there."""
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or not url.isprintable() or " " in url:
        raise InvalidSetting(
            "notify_webhook",
            "is not a URL that begins with https:// or http:// and names a host.",
            "Copy it whole from the service that gets the notices.",
        )


def post(url: str, record: Mapping[str, Any], seconds: float = SECONDS) -> None:
    """Send the record as JSON; raises `NotDelivered`, without the URL, unless the answer is 2xx."""
    import httpx  # slow

    async def send() -> int:
        abandon_slow_lookups()
        async with (
            httpx.AsyncClient(trust_env=False, timeout=seconds) as client,
            client.stream("POST", url, json=record) as answer,
        ):
            return answer.status_code  # what else is answered, nobody reads

    try:
        status = asyncio.run(asyncio.wait_for(send(), seconds))
    except TimeoutError:
        raise _undelivered("The webhook did not answer in time.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        what = f"The webhook cannot be reached ({type(error).__name__})."
        raise _undelivered(what) from None
    if not 200 <= status < 300:
        raise _undelivered(f"The webhook refused the notice with status {status}.")


def send_mail(address: str, subject: str, text: str, seconds: float = SECONDS) -> None:
    """Hand a mail to the host's `sendmail`; raises `NotDelivered`."""
    from email.message import EmailMessage
    from email.utils import formatdate

    program = shutil.which("sendmail", path=f"{os.environ.get('PATH', '')}:{_PATH}")
    if program is None:
        raise _undelivered("This host has no sendmail, which would send the mail.")
    message = EmailMessage()
    message["To"] = address
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=True)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic replies
    message.set_content(text)
    try:
        done = subprocess.run(
            [program, "-i", "--", address],
            input=message.as_bytes(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _undelivered("sendmail did not end in time.") from None
    except OSError as error:
        raise _undelivered(f"sendmail cannot be started: {error.strerror}.") from None
    if done.returncode:
        said = printable(done.stderr.decode(errors="replace").strip(), 200)
        raise _undelivered(f"sendmail ended with {done.returncode}: {said or 'no reason'}.")


def _undelivered(what: str) -> NotDelivered:
    return NotDelivered(
        what,
        "Check notify_webhook and notify_mail, and try `mailroster status --notify-test`.",
    )
