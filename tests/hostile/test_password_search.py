"""The search for passwords that tests leave behind, with one planted in each place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START = """
import json, logging, sys
from base64 import b64encode
from urllib.parse import quote_plus
from store.passwords import hash_password
from store.files.secrets import SecretBox
from tests.support.password_search import learn, look_at

PASSWORD = "schöne lange Würste"

def test_it(tmp_path, monkeypatch):
    monkeypatch.setattr("store.passwords.COST", 4)
    hashed = hash_password(PASSWORD, "anna")
"""
PLANTED = {
    "a file": "(tmp_path / 'x.log').write_text(f'password={PASSWORD}')",
    "a file further down": "(tmp_path / 'a').mkdir(); (tmp_path / 'a/b').write_text(PASSWORD)",
    "a file's name": "(tmp_path / PASSWORD).touch()",
    "JSON": "(tmp_path / 'x').write_text(json.dumps({'x': PASSWORD}))",
    "a URL": "(tmp_path / 'x').write_text('?p=' + quote_plus(PASSWORD))",
    "Base64": "(tmp_path / 'x').write_bytes(b64encode(PASSWORD.encode()))",
    "stdout": "print(PASSWORD)",
    "stderr": "print(PASSWORD, file=sys.stderr)",
    "the log": "logging.getLogger('x').warning('%s', PASSWORD)",
    "a command's output": "look_at('stdout', f'x {PASSWORD} y')",
    "a terminal": "look_at('the terminal', b'\\x1b[1m' + PASSWORD.encode() + b'\\x1b[m')",
    "a hash": "(tmp_path / 'plan.json').write_text(json.dumps({'old': hashed}))",
    "a hash in a command's output": "look_at('stdout', hashed)",
    "of the secret box": (
        "SecretBox(tmp_path / 'k').encrypt('of the directory'); print('of the directory')"
    ),
    "of a command's stdin": "learn('typed in here'); print('typed in here')",
}
CLEAN = {
    "nothing": "pass",
    "a store with a hash": "(tmp_path / 'users.json').write_text(json.dumps({'hash': hashed}))",
    "a short word": "learn('wrong'); print('wrong')",
    "what nobody used": "print('another long password')",
}


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_planted.py").write_text(START + f"    {body}\n")
    words = ["-q", "-p", "no:xdist", "-p", "tests.support.password_search", "-c", os.devnull]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--rootdir", str(folder), str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_what_is_planted_is_found(tmp_path: Path) -> None:
    body = "\n".join(
        f"def test_{number}(tmp_path, monkeypatch):\n"
        f"    monkeypatch.setattr('store.passwords.COST', 4)\n"
        f"    hashed = hash_password(PASSWORD, 'anna')\n    {line}"
        for number, line in enumerate(PLANTED.values())
    )
    done = run(tmp_path, "pass\n" + body)
    missed = [name for number, name in enumerate(PLANTED) if f"test_{number} " not in done.stdout]
    assert missed == []
    assert f"{len(PLANTED) + 1} passed, {len(PLANTED)} errors" in done.stdout


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_clean_is_let_through(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, CLEAN[name])
    assert done.returncode == 0, done.stdout
