"""Receivers of notices: a webhook over HTTP, and Debian's Postfix, which fills a mailbox here."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from mailbox import mbox
from pathlib import Path
from typing import Any

from tests.support.password_search import learn
from tests.support.programs import lacking, require

TOKEN = "a-secret-of-the-webhook"


class Receiver(HTTPServer):
    """A webhook that keeps what it gets, and answers with `status`."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/{TOKEN}"

    def subjects(self) -> list[str]:
        """What each notice is about."""
        return [notice["subject"].partition(": ")[2] for notice in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.got.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a webhook whose URL no output may hold."""
    learn(TOKEN)
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_spool_directory = {folder}/mail
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
mydestination = example.com
alias_maps =
alias_database =
local_recipient_maps =
"""
# No service of it listens to the network.
_SERVICES = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
local unix - n n - - local
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A Postfix of its own: `environment` leads `sendmail` to it, `mailbox` is root's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mailbox = folder / "mail" / "root"
        self.environment = {**os.environ, "MAIL_CONFIG": str(folder / "etc")}

    def mails(self) -> list[Message]:
        """Return the mails that came."""
        if not self.mailbox.exists():
            return []
        with closing(mbox(self.mailbox)) as mails:
            return list(mails)


@contextmanager
def running_postfix() -> Iterator[Postfix]:
    """Run it; skip the test without it, or fail it in CI."""
    program = require("postfix", "postfix")
    if os.geteuid() != 0:
        lacking("only root can start Postfix")
    with tempfile.TemporaryDirectory(prefix="mr-") as name:
        postfix = Postfix(Path(name))
        postfix.folder.chmod(0o755)
        for part in ("etc", "queue", "data", "mail"):
            (postfix.folder / part).mkdir()
        (postfix.folder / "etc" / "main.cf").write_text(_MAIN.format(folder=name))
        (postfix.folder / "etc" / "master.cf").write_text(_SERVICES)
        subprocess.run(["chown", "postfix", f"{name}/data"], check=True)
        command = [program, "-c", f"{name}/etc"]
        done = subprocess.run([*command, "start"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        try:
            yield postfix
        finally:
            subprocess.run([*command, "stop"], capture_output=True, check=True)
