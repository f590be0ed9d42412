"""The directory's password at rest."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest

from store.errors import InvalidValue, SecretUnavailable, StoreUnwritable
from store.models import Settings
from store.secrets import SecretBox, directory_password


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox(tmp_path / "config" / "secret.key")


def test_it_comes_back_and_the_token_does_not_show_it(box: SecretBox) -> None:
    token = box.encrypt("pässword")
    assert "pässword" not in token
    assert box.decrypt(token) == "pässword"


def test_the_key_is_private_under_any_umask(box: SecretBox, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        box.encrypt("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "config" / "secret.key").stat().st_mode) == 0o600
    assert [item.name for item in (tmp_path / "config").iterdir()] == ["secret.key"]


@pytest.mark.parametrize("other_key", [None, b"", b"A" * 43 + b"="])
def test_a_lost_key_means_enter_it_again(
    box: SecretBox, tmp_path: Path, other_key: bytes | None
) -> None:
    token = box.encrypt("x")
    key = tmp_path / "config" / "secret.key"
    key.unlink()
    if other_key is not None:
        key.write_bytes(other_key)
    with pytest.raises(SecretUnavailable, match="Enter the password again"):
        box.decrypt(token)


@pytest.mark.parametrize("key", [b"", b"garbage", b"\xff" * 44])
def test_a_damaged_key_is_named_when_the_password_is_entered_again(
    box: SecretBox, tmp_path: Path, key: bytes
) -> None:
    path = tmp_path / "config" / "secret.key"
    path.parent.mkdir()
    path.write_bytes(key)
    with pytest.raises(SecretUnavailable, match="Move that file away"):
        box.encrypt("x")
    assert path.read_bytes() == key
    path.unlink()
    assert box.decrypt(box.encrypt("x")) == "x"


def test_a_key_that_cannot_be_read_is_named_and_no_other_made(
    box: SecretBox, tmp_path: Path
) -> None:
    token = box.encrypt("x")
    key = tmp_path / "config" / "secret.key"
    key.rename(tmp_path / "aside")
    key.mkdir()
    for use in (lambda: box.encrypt("y"), lambda: box.decrypt(token), lambda: box.sign(b"z")):
        with pytest.raises(SecretUnavailable, match="cannot be read: Is a directory"):
            use()
    key.rmdir()
    (tmp_path / "aside").rename(key)
    assert box.decrypt(token) == "x"


def test_what_a_killed_process_left_behind_does_not_matter(box: SecretBox, tmp_path: Path) -> None:
    left = tmp_path / "config" / f".secret.key.{os.getpid()}.tmp"
    left.parent.mkdir()
    left.touch()
    assert box.decrypt(box.encrypt("x")) == "x"


def test_where_no_key_can_be_made_nothing_is_left(box: SecretBox, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StoreUnwritable, match="cannot be made: File too large"):
            box.encrypt("x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "config").iterdir()) == []
    assert box.decrypt(box.encrypt("x")) == "x"


def test_a_password_that_utf_8_cannot_carry(box: SecretBox, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="not UTF-8"):
        box.encrypt("half a pair \ud800")
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("token", ["", "x", "ü", "\ud800", "gAAAA", 5])
def test_a_token_that_is_none(box: SecretBox, token: str) -> None:
    box.encrypt("x")
    with pytest.raises(SecretUnavailable, match="Enter the password again"):
        box.decrypt(token)


def test_a_command_overrides_a_file_overrides_the_store(box: SecretBox, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from file\nsecond line\n")
    stored = box.encrypt("from store")
    assert directory_password(Settings(), box) == ""
    assert directory_password(Settings(password=stored), box) == "from store"
    assert (
        directory_password(Settings(password=stored, password_file=str(file)), box) == "from file"
    )
    command = ("printf", "%s", "from $HOME command")
    settings = Settings(password=stored, password_file=str(file), password_command=command)
    assert directory_password(settings, box) == "from $HOME command"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(password_file="/nonexistent/x"), "cannot be read: No such file"),
        (Settings(password_command=("false",)), "ended with exit code 1"),
        (Settings(password_command=("/nonexistent/x",)), "could not be run"),
        (Settings(password_command=("x\0y",)), "could not be run"),
        (Settings(password_command=("printf", r"\377")), "its output is not UTF-8"),
        (Settings(password_file="x\0y"), "cannot be read"),
    ],
)
def test_a_source_that_fails_is_named(box: SecretBox, settings: Settings, says: str) -> None:
    with pytest.raises(SecretUnavailable, match=says):
        directory_password(settings, box)


def test_a_command_that_takes_too_long_is_given_up(
    box: SecretBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(password_command=("sh", "-c", "sleep 0.3; printf late"))
    assert directory_password(settings, box) == "late"
    monkeypatch.setattr("store.secrets._COMMAND_SECONDS", 0.1)
    with pytest.raises(SecretUnavailable, match=r"took longer than 0\.1 seconds"):
        directory_password(settings, box)


def test_settings_never_show_the_token() -> None:
    assert "TOKEN" not in repr(Settings(password="TOKEN"))
