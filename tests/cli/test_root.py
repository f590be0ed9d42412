"""Root on the store of a service: no file that the service cannot use, or nothing at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.other_user import python_as
from tests.support.programs import require

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for somebody else")

NAME = f"mailroster-{os.getpid()}"
PASSWORD = "correct horse battery staple"
ADMINISTRATOR = ("users", "add", "boss", "--privilege", "admin")
WRITING = [
    ("users", "add", "bob"),
    ("users", "edit", "bob", "--full-name", "Bob"),
    ("users", "delete", "bob", "--yes"),
    ("users", "unlock", "anna"),
    ("settings", "set", "auto_delete=on"),
    ("settings", "set", "password"),
    ("settings", "set", "archive_root={base}/home"),
    ("history", "undo", "{run}", "--yes"),
    ("store", "check"),
    ("store", "backup", "{folder}/copy.json"),
    ("store", "restore", "--yes"),
    ("login", "nobody"),
]


class Service(NamedTuple):
    """A user of the system, with a home, and the folder with the user's store."""

    uid: int
    base: Path
    folder: Path
    last: str = ""

    def run(self, *words: str, root: bool = False, config: str | None = None) -> tuple[int, str]:
        """Run one command as the service or as root; return exit code and what was said."""
        words = tuple(
            word.format(base=self.base, folder=self.folder, run=self.last) for word in words
        )
        home = "/root" if root else str(self.base / "home")
        environment = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
        if config:
            environment["XDG_CONFIG_HOME"] = config
        python = [sys.executable] if root else python_as(self.uid)
        done = subprocess.run(
            [*python, "-m", "tui.cli", "--store", str(self.folder / "users.json"), *words],
            input=f"{PASSWORD}\n",
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    def owners(self) -> dict[str, int]:
        """Return whose each file and folder below the base is."""
        return {str(path): path.lstat().st_uid for path in self.base.rglob("*")}


@pytest.fixture
def service() -> Iterator[Service]:
    require("useradd", "passwd")
    base = Path(tempfile.mkdtemp(prefix="mailroster-root-"))
    base.chmod(0o755)
    home = str(base / "home")
    subprocess.run(
        ["useradd", "--system", "--user-group", "--create-home", "--home-dir", home, NAME],
        check=True,
        capture_output=True,
    )
    try:
        entry = (base / "home").stat()
        folder = base / "srv"
        folder.mkdir()
        os.chown(folder, entry.st_uid, entry.st_gid)
        made = Service(entry.st_uid, base, folder)
        for words in (("settings", "set", "password"), ADMINISTRATOR, ("users", "add", "anna")):
            code, said = made.run(*words)
            assert code == 0, said
        runs = json.loads(made.run("history", "list", "--json")[1])["runs"]
        yield made._replace(last=runs[-1]["id"])
    finally:
        subprocess.run(["userdel", NAME], check=True, capture_output=True)
        shutil.rmtree(base)


def test_what_root_writes_is_the_services(service: Service) -> None:
    for words in WRITING:
        code, said = service.run(*words, root=True)
        assert code == (1 if words[0] == "login" else 0), (words, said)
        others = {path for path, owner in service.owners().items() if owner != service.uid}
        assert others == set(), words
    for words in WRITING[:2]:
        code, said = service.run(*words)
        assert code == 0, said


def test_a_folder_of_roots_is_refused_before_anything(service: Service) -> None:
    os.chown(service.folder, 0, 0)
    before = service.owners()
    for words in WRITING:
        code, said = service.run(*words, root=True)
        assert code == (111 if words[0] == "login" else 1), said
        assert f"`sudo -u {NAME} mailroster ...`" in said
        assert service.owners() == before, words


def test_a_key_of_roots_own_is_not_made(service: Service) -> None:
    config = str(service.base / "config")
    words = ("settings", "set", "password")
    code, said = service.run(*words, root=True, config=config)
    assert code == 1
    assert f"Do this as that user: `sudo -u {NAME} mailroster ...`" in said
    assert not Path(config).exists()


@pytest.mark.parametrize("of_root", [True, False])
def test_a_key_that_the_service_cannot_read_encrypts_nothing(
    service: Service, of_root: bool
) -> None:
    key = service.base / "home/.config/mailroster/secret.key"
    if of_root:
        os.chown(key, 0, 0)
    before = (service.folder / "users.json").read_bytes()
    code, said = service.run("settings", "set", "password", root=True)
    assert code == int(of_root), said
    assert (f"does not belong to {NAME}" in said) == of_root
    assert ((service.folder / "users.json").read_bytes() == before) == of_root


def test_its_own_store_is_roots(service: Service) -> None:
    """The control: nobody else is concerned."""
    own = service._replace(folder=service.base / "own")
    own.folder.mkdir()
    config = str(service.base / "config")
    assert own.run("settings", "set", "password", root=True, config=config)[0] == 0
    assert Path(config, "mailroster", "secret.key").stat().st_uid == 0
