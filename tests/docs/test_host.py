"""docs/HOST.md: every line as root, on a host that is booted for it with systemd as PID 1."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from sync.server.directory_file import hash_directory_password
from tests.docs.pages import ROOT, Shell, blocks, write_files
from tests.support.booted_host import PATH, BootedHost, booted_host
from tests.support.programs import require

PAGE = "docs/HOST.md"
PASSWORD = "correct horse battery staple"
URL = "http://127.0.0.1:8080/"
SERVICES = (
    "mailroster-sync.service",
    "mailroster-sync-failed.service",
    "mailroster-login-server.service",
)


class Followed(NamedTuple):
    """The host after all steps of the page, and what each line printed."""

    host: BootedHost
    printed: dict[str, str]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    for program, package in (("dovecot", "dovecot-imapd"), ("curl", "curl")):
        require(program, package)
    folder = tmp_path_factory.mktemp("host")
    write_files(PAGE, folder)
    people = [{"userName": "anna", "passwordHash": hash_directory_password(PASSWORD, 4)}]
    (folder / "directory.json").write_text(json.dumps(people))
    (folder / "root").mkdir()
    shared = (folder, ROOT, Path(sys.prefix), Path(sys.base_prefix))
    with booted_host(folder / "root", *shared) as host, _directory(host, folder):
        yield Followed(host, _follow(host, folder))


@pytest.fixture
def host(followed: Followed) -> BootedHost:
    return followed.host


@contextmanager
def _directory(host: BootedHost, folder: Path) -> Iterator[None]:
    """Run a directory server there, with credentials."""
    words = ["env", f"--chdir={ROOT}", sys.executable, "-m", "tui.cli", "directory-server"]
    words += [str(folder / "directory.json"), "--user-name", "archive"]
    with (folder / "directory.log").open("wb") as log:
        server = subprocess.Popen(host.command(*words), stdin=subprocess.PIPE, stderr=log)
    assert server.stdin
    server.stdin.write(f"{PASSWORD}\n".encode())
    server.stdin.close()
    yield
    server.terminate()
    server.wait(20)


def _follow(host: BootedHost, folder: Path) -> dict[str, str]:
    """Run each line of the page, in the order of the page; return what each printed."""
    cache = subprocess.check_output([sys.executable, "-m", "pip", "cache", "dir"], text=True)
    environment = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environment |= {"PIP_CACHE_DIR": cache.strip(), "HOME": "/root", "PATH": PATH}

    def shell(place: Path, *, own_network: bool) -> Shell:
        start = host.command("env", f"--chdir={place}", own_network=own_network)
        return Shell(folder, URL, PASSWORD, environment, start)

    installing, other = shell(ROOT, own_network=False), shell(folder, own_network=True)
    printed = {}
    for block in blocks(PAGE):
        if block.language != "sh" or block.mark == "instead":
            continue
        for line in block.text.splitlines():
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                environment[name] = value
            else:
                (printed[line],) = (installing if block.mark == "installs" else other).run(line)
    return printed


def read_mail(host: BootedHost, number: int) -> subprocess.CompletedProcess[str]:
    """Ask for a message over IMAP, as anna."""
    url = f"imap://localhost/Archive%2Fanna;MAILINDEX={number}"
    return subprocess.run(
        host.command("curl", "--silent", "--show-error", "--config", "-", url),
        input=f'user = "anna:{PASSWORD}"',
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_takes_seven_steps() -> None:
    headings = re.findall(r"^## (\d)\.", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert headings == ["1", "2", "3", "4", "5", "6", "7"]


def test_the_first_log_on(followed: Followed) -> None:
    (line,) = [line for line in followed.printed if "curl --silent" in line]
    assert "Archive/anna" in followed.printed[line]
    assert "Hello." in read_mail(followed.host, 1).stdout


def test_it_goes_on_with_the_store_of_the_first_hour(host: BootedHost) -> None:
    (instead,) = [block.text for block in blocks(PAGE) if block.mark == "instead"]
    old, new = "~/.local/share/mailroster/users.json", "/var/lib/mailroster/second/users.json"
    assert (old in instead, "/var/lib/mailroster/users.json" in instead) == (True, True)
    lines = instead.replace("/var/lib/mailroster/users.json", new).replace("/srv/mail", "/srv/2")

    def as_root(store: str, lines: str) -> None:
        script = f"set -e\nexport MAILROSTER_STORE={store}\n{lines}"
        host("bash", "-c", script, stdin=f"{PASSWORD}\n")

    def as_owner(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = " ".join(("mailroster", "--store", new, *words))
        return subprocess.run(
            host.command("su", "--shell", "/bin/sh", "mailroster", "--command", command),
            input=stdin,
            capture_output=True,
            text=True,
            env={"PATH": PATH, "LANG": "C.UTF-8"},
            timeout=60,
            check=False,
        )

    as_root(old, "mailroster users add first --privilege admin")
    connection = f"directory_service=application_integration url={URL}"
    credentials = "requires_authentication=true user_name=archive password"
    as_root(old, f"mailroster settings set {connection} {credentials}")
    as_root(old, "mailroster test")  # the control: root can read its own key
    host("install", "--directory", "--owner", "mailroster", str(Path(new).parent), "/srv/2")
    as_root(new, lines)
    assert "first" in as_owner("users", "list").stdout
    assert as_owner("test").returncode != 0
    assert as_owner("settings", "set", "password", stdin=f"{PASSWORD}\n").returncode == 0
    assert as_owner("test").returncode == 0


def test_a_message_of_roots_ends_the_session(host: BootedHost) -> None:
    message = "/srv/mail/anna/new/2"
    host("sh", "-c", f"umask 077; cat > {message}", stdin="Subject: two\n\nHello.\n")
    try:
        assert read_mail(host, 2).returncode != 0
        host("chown", "--recursive", "mailroster:mailroster", "/srv/mail")  # as the page says
        assert "Hello." in read_mail(host, 2).stdout
    finally:
        host("find", "/srv/mail/anna", "-name", "2*", "-delete")


def test_nothing_belongs_to_root(host: BootedHost) -> None:
    found = host("find", "/var/lib/mailroster", "/srv/mail", "!", "-user", "mailroster")
    assert found == ""


@pytest.mark.parametrize("unit", SERVICES)
def test_how_exposed_a_service_is(host: BootedHost, unit: str) -> None:
    path = f"/etc/systemd/system/{unit}"
    told = host("systemd-analyze", "security", "--offline=yes", "--no-pager", path)
    level = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", told)
    assert level, told
    assert float(level[1]) <= 2.0


def test_systemd_has_nothing_to_say_against_the_units(host: BootedHost) -> None:
    units = [f"/etc/systemd/system/{unit}" for unit in (*SERVICES, "mailroster-sync.timer")]
    done = subprocess.run(
        host.command("systemd-analyze", "verify", *units),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "mailroster" not in done.stderr, done.stderr


def test_the_services_ran_and_are_restricted(host: BootedHost) -> None:
    shown = host("systemctl", "show", "--property=Result,ExecMainStatus", SERVICES[0])
    assert sorted(shown.split()) == ["ExecMainStatus=0", "Result=success"]
    assert host("systemctl", "is-active", "mailroster-sync.timer", SERVICES[2]).split() == [
        "active",
        "active",
    ]
    server = host("systemctl", "show", "--property=MainPID", "--value", SERVICES[2]).strip()
    status = dict(
        line.split(":\t", 1) for line in host("cat", f"/proc/{server}/status").splitlines()
    )
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
    inside = ("nsenter", f"--target={server}", "--mount", f"--root=/proc/{server}/root", "sh", "-c")
    for folder, is_writable in (
        ("/usr", False),
        ("/etc", False),
        ("/opt/mailroster", False),
        ("/home", False),
        ("/srv/mail", True),
        ("/var/lib/mailroster", True),
    ):
        script = f"touch {folder}/try 2>/dev/null && rm {folder}/try && echo written; true"
        assert bool(host(*inside, script)) is is_writable, folder
        assert host("sh", "-c", script), f"the control: outside root writes to {folder}"


def test_a_sync_that_fails_starts_its_unit(host: BootedHost) -> None:
    settings = (
        "/usr/local/bin/mailroster",
        "--store",
        "/var/lib/mailroster/users.json",
        "settings",
    )
    host(*settings, "set", "url=http://127.0.0.1:9/", "list_timeout=1")
    try:
        failed = subprocess.run(host.command("systemctl", "start", SERVICES[0]), check=False)
        assert failed.returncode != 0
        for _ in range(100):
            if "The sync failed" in host("journalctl", "--no-pager", "--identifier=mailroster"):
                break
            time.sleep(0.1)
        else:
            raise AssertionError(host("journalctl", "--no-pager", "--lines=30"))
    finally:
        host(*settings, "set", f"url={URL}", "list_timeout=120")
    host("systemctl", "start", SERVICES[0])  # the control
