"""What is hostile in users, answers, settings and files never reaches the terminal raw."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from store.interface import Batch, Edit
from store.models import FilterRule, Settings, User
from sync.workspace import Workspace
from tests.support.authority import Authority, server_context
from tests.support.builders import managed
from tests.support.hostile_server import answer, hostile_server
from tests.tui.terminal import PATIENCE, Terminal, terminal_on

pytestmark = pytest.mark.campaign

EVIL = "\x1b]52;c;RVZJTA==\x07\x1b[31mRED\x1b[0m\u202egnp.\u2066\x9b5n[/][@click=app.quit]x[/]"
LONG = EVIL + "Z" * 10_000
SHOWN = rb"\x1b]52"
SHAPE_OF_THE_POINTER = re.compile(rb"\x1b]22;[a-z]*\x07")
RAW = (
    b"\x1b]",
    b"\x07",
    b"\x1b[31mRED",
    "\u202e".encode(),
    "\u2066".encode(),
    "\x9b".encode(),
)


def check(terminal: Terminal) -> None:
    """The program runs, and sent nothing that it should not."""
    assert terminal.process.poll() is None, bytes(terminal.received[-3000:])
    received = SHAPE_OF_THE_POINTER.sub(b"", terminal.received)
    for raw in RAW:
        place = received.find(raw)
        assert place < 0, received[max(0, place - 200) : place + 200]


def walk(terminal: Terminal, *steps: str) -> None:
    """Press the keys of each step, and wait for what it shows.

    `!` before the keys means that the hostile text is shown, `: word` after them that a word is.
    """
    for step in steps:
        terminal.received.clear()
        keys, _, word = step.removeprefix("!").partition(": ")
        terminal.press(*keys.split())
        if step.startswith("!"):
            terminal.wait_for(SHOWN)
        terminal.wait_for(word.encode())
        check(terminal)


def hostile_users() -> list[User]:
    fields = {
        "full_name": LONG,
        "distinguished_name": LONG,
        "email_addresses": [f"{EVIL}@example.com", LONG],
        "folder_privileges": {EVIL: ["read", EVIL]},
    }
    others = {**fields, "email_addresses": [f"{EVIL}2@example.com", f"{LONG}2"]}
    local = {**fields, "email_addresses": [f"{EVIL}3@example.com", f"{LONG}3"]}
    return [
        managed(EVIL, **fields),
        managed(LONG, **others),
        User(user_name=f"{EVIL}local", password_hash=EVIL, privileges=["login", EVIL], **local),
    ]


def hostile_answer() -> str:
    record = {"fullName": LONG, "distinguishedName": LONG, "emailAddresses": [EVIL, LONG]}
    return json.dumps(
        [
            {"userName": EVIL, **record},
            {"userName": LONG, **record},
            {"userName": "anna", **record},
            {"userName": "bert", **record, "emailAddresses": ["bert@example.com"]},
            {"userName": "carl", "fullName": EVIL, "emailAddresses": EVIL},
            {"userName": 5, EVIL: EVIL},
        ]
    )


@pytest.fixture
def open_on(filled: Callable[..., Workspace], tmp_path: Path) -> Callable[..., object]:
    """Open a terminal on hostile users, with these settings, written past every check."""

    def open_it(*, administrator: str = "root", **settings: object) -> object:
        workspace = filled(managed("carl", full_name="Carl"))
        edits = [Edit.create(user) for user in hostile_users()]
        values = {"directory_service": "application_integration", **settings}
        workspace.store.apply(Batch(edits, settings=Settings(**values)))  # type: ignore[arg-type]
        return terminal_on(
            workspace.host_path, tmp_path / "secret.key", administrator=administrator
        )

    return open_it


def test_users(open_on: Callable[..., Terminal]) -> None:
    with open_on(url="http://127.0.0.1:1/") as terminal:
        walk(terminal, "!f6", "end", "!enter", "!c", "escape", "!e", "escape", "!r", "escape")
        walk(terminal, "!v", "escape")
        walk(terminal, "enter", "escape", "!n", "escape", "!x", "escape", "!escape")
        walk(terminal, "!a", "escape", "!x", "escape", "end", "!p", "escape")
        walk(terminal, "/", "RED", "enter", "escape", "space", "ctrl+p", "!RED", "escape")
        walk(terminal, "f1", "escape")
        walk(terminal, "n", "x", "escape", "y")
        terminal.press("ctrl+q")
        assert terminal.process.wait(PATIENCE) == 0


def test_synchronize(open_on: Callable[..., Terminal]) -> None:
    with (
        hostile_server(answer(hostile_answer())) as server,
        open_on(url=server.url, auto_delete=True, guard_max_delete_percent=100) as terminal,
    ):
        walk(terminal, "!t", "down", "down", "down", "end", "home", "/", "RED", "enter", "escape")
        walk(terminal, "space", "s", "escape", "f1", "escape", "!f6", "f3")
        walk(terminal, "n", "*", "enter", "escape", "y", "f5", "s", "y")
        check(terminal)


# Screens and dialogs by the way to them; a test for another one is another line.
WAYS = {
    "folder rights": ("f6", "end", "!enter", "enter: Save", "shift+tab", "escape", "!n", "escape"),
    "authentication method": ("f6", "down space", "end space", "a: Marked", "escape"),
    "typed number": ("!t: 2 delete", "s: to delete", "7 enter: not the number", "h", "f6", "f5"),
    "filter rules": ("f3", "n: reason", "* enter", "escape", "y"),
    "log-on that is tried": ("f2", "ctrl+l: Leave the", "x enter enter: does not exist", "escape"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_way(way: tuple[str, ...], open_on: Callable[..., Terminal]) -> None:
    settings = {"auto_delete": True, "guard_max_deletes": 0, "guard_max_delete_percent": 100}
    everyone = json.dumps([{"userName": "carl", "fullName": EVIL}])
    with (
        hostile_server(answer(everyone)) as server,
        open_on(url=server.url, **settings) as terminal,
    ):
        walk(terminal, *way)
        terminal.press("ctrl+q")
        assert terminal.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    "head",
    [
        f"HTTP/1.1 302 Found\r\nLocation: https://h/{LONG}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Encoding: {EVIL}\r\nContent-Length: 2\r\n\r\n[]",
        f"HTTP/1.1 200 {EVIL}\r\nContent-Length: {len(EVIL)}\r\n\r\n{EVIL}",
        f"{EVIL}\r\n\r\n",
    ],
    ids=["location", "encoding", "body", "no HTTP"],
)
def test_server_messages(head: str, open_on: Callable[..., Terminal]) -> None:
    with (
        hostile_server(lambda peer: peer.send(head.encode())) as server,
        open_on(url=server.url) as terminal,
    ):
        walk(terminal, "t", "escape", "f2", "ctrl+t", "f6", "a", "escape")


def test_settings(open_on: Callable[..., Terminal]) -> None:
    rules = tuple(
        FilterRule(action=action, field="user_name", pattern=pattern, reason=EVIL)
        for action in ("include", "exclude")
        for pattern in (EVIL, LONG)
    )
    with open_on(
        url=f"https://{EVIL}/",
        ca_file=LONG,
        pinned_certificate=EVIL,
        requires_authentication=True,
        user_name=EVIL,
        password=EVIL,
        password_file=EVIL,
        auth_command=LONG,
        auth_user_field=EVIL,
        archive_root=EVIL,
        filters=rules,
        default_privileges=(EVIL,),
    ) as terminal:
        walk(terminal, "t", "escape", "!f2", "ctrl+t", "ctrl+g", "escape", "f4", "f5")
        walk(terminal, "!f3", "shift+tab", "!enter", "escape", "f6", "x", "escape")


def test_settings_of_no_known_kind(open_on: Callable[..., Terminal]) -> None:
    with open_on(url=EVIL, directory_service=EVIL) as terminal:
        walk(terminal, "!f2", "ctrl+t", "ctrl+g", "f5", "t", "escape")


def test_what_is_typed_and_pasted(open_on: Callable[..., Terminal]) -> None:
    paste = f"\x1b[200~{EVIL}\x1b[201~"
    with open_on(url="http://127.0.0.1:1/") as terminal:
        terminal.press("f2", "ctrl+l")
        terminal.wait_for(b"Leave the password")
        terminal.settle()
        terminal.received.clear()
        os.write(terminal.master, paste.encode())
        terminal.wait_for(b"52;c")
        walk(terminal, "enter", "enter", "escape", "f6", "/")
        os.write(terminal.master, paste.encode())
        terminal.settle()
        check(terminal)


def test_the_log_on(open_on: Callable[..., Terminal]) -> None:
    with open_on(administrator="", url=f"http://{EVIL}/") as terminal:
        os.write(terminal.master, f"\x1b[200~{EVIL}\x1b[201~".encode())
        terminal.settle()
        walk(terminal, "enter", "x", "enter")
        terminal.wait_for(b"wrong")
        check(terminal)


@pytest.fixture
def evil_certificate(tmp_path: Path) -> Path:
    """A certificate whose names are hostile, and its key."""
    authority = Authority(tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, EVIL[:40]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"[/]{EVIL}"[:40]),
        ]
    )
    known = x509.load_pem_x509_certificate(authority.file.read_bytes())
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(known.not_valid_before_utc)
        .not_valid_after(known.not_valid_before_utc + timedelta(days=400))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = tmp_path / "evil.pem"
    file.write_bytes(
        built.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


def test_a_certificate(evil_certificate: Path, open_on: Callable[..., Terminal]) -> None:
    with (
        hostile_server(answer("[]"), server_context(evil_certificate)) as server,
        open_on(url=server.url) as terminal,
    ):
        terminal.press("f2", "ctrl+t")
        terminal.wait_for(b"SHA-256")
        terminal.wait_for(SHOWN)
        check(terminal)
        walk(terminal, "p", "escape")


def test_ones_own_file(open_on: Callable[..., Terminal]) -> None:
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "mailroster"
    folder.mkdir(parents=True)
    escaped = json.dumps(EVIL)[1:-1].replace("\x9b", "\\u009b")
    folder.joinpath("tui.toml").write_text(f'theme = "{escaped}"\n[keys]\n"{escaped}" = "x"\n')
    with open_on(url="http://127.0.0.1:1/") as terminal:
        terminal.wait_for(b"tui.toml")
        terminal.wait_for(SHOWN)
        check(terminal)
        walk(terminal, "escape", "f6")
