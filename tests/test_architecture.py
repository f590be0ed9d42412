"""Imports go one way, and slow ones stay where they belong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


# What a module must not import, as `module: imported`.
BROKEN = {
    "store.addresses": "sync.errors",
    "store.names": "textual",
    "store.owners": "store.postgres.rows",
    "store.postgres.runs": "store.tinydb.history_files",
    "sync.runs.apply": "store.tinydb.copy",
    "sync.configure": "store.postgres.address",
    "tui.session": "store.tinydb.check",
    "sync.logon.login": "sync.directory.types.ldap.client",
    "sync.planning.plan": "sync.directory.types.application_integration",
    "sync.status.status": "sync.directory.types.ldap.ldap_type",
    "sync.server.listener": "sync.directory.strict_json",
    "tui.cli.directory_check": "sync.directory.types.ldap.servers",
    "tui.screens.base": "httpx",
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


def test_they_see_what_breaks_them(tmp_path: Path) -> None:
    for package in ("store", "sync", "tui"):
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, imported in BROKEN.items():
        with (tmp_path / f"{module.replace('.', '/')}.py").open("a") as file:
            file.write(f"\nimport {imported}\n")
    told = " ".join(lint_imports(tmp_path).stdout.split())
    lines = [f"{module} -> {imported} " for module, imported in BROKEN.items()]
    assert [line for line in lines if line not in told] == []


@pytest.mark.parametrize("package", ["store", "sync"])
def test_nothing_below_the_screens_loads_textual(package: str) -> None:
    modules = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in (ROOT / package).rglob("*.py")
        if file.stem != "__init__"
    ]
    probe = f"import sys, {', '.join(modules)}; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
