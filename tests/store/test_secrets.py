"""The directory's password at rest."""

from __future__ import annotations

import os
import pwd
import resource
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store.errors import InvalidValue, SecretUnavailable, StoreUnwritable
from store.files.secrets import SecretBox, directory_password
from store.locations import key_place, store_path
from store.models import Settings
from tests.support.replaced import in_place_of


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


BROKEN_KEYS = [b"", b"\n", b"garbage", b"\xff" * 44, b"A" * 43, b"A" * 44, b"=" * 44, b"A" * 100]


@pytest.mark.parametrize("key", BROKEN_KEYS)
def test_a_broken_key_is_refused_everywhere(box: SecretBox, tmp_path: Path, key: bytes) -> None:
    """It is known to whoever knows how it broke, so what it signs is signed by anybody."""
    token = box.encrypt("x")
    path = tmp_path / "config" / "secret.key"
    path.write_bytes(key)
    uses: list[Callable[[], object]] = [
        lambda: box.encrypt("y"), lambda: box.decrypt(token), lambda: box.sign(b"z"), box.check
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(SecretUnavailable, match="Move that file away"):
            use()
    assert path.read_bytes() == key


def test_a_line_end_after_the_key_does_not_matter(box: SecretBox, tmp_path: Path) -> None:
    """The control."""
    token, signature = box.encrypt("x"), box.sign(b"z")
    path = tmp_path / "config" / "secret.key"
    path.write_bytes(path.read_bytes() + b"\n")
    assert (box.decrypt(token), box.sign(b"z")) == ("x", signature)
    box.check()


def test_a_fifo_in_its_place_is_not_waited_for(box: SecretBox, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    os.mkfifo(tmp_path / "config" / "secret.key")
    with pytest.raises(SecretUnavailable, match="not a regular file"):
        box.sign(b"z")


def keeper_of(store: Path) -> int:
    return store.parent.stat().st_uid


class TestPlace:
    """Whose key it is, for root and for users without a home."""

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """A store in a folder of the user `keeper`; this process is root, as far as it can tell."""
        folder = tmp_path / "mail"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, 4711, 4711)
        uid = folder.stat().st_uid
        home = str(tmp_path / "keeper")
        entry = pwd.struct_passwd(("keeper", "x", uid, uid, "", home, "/bin/sh"))
        known = {uid: entry, 0: pwd.getpwuid(0)}
        monkeypatch.delenv("XDG_CONFIG_HOME")
        with (
            in_place_of(pwd, "getpwuid", known.__getitem__),
            in_place_of(os, "geteuid", lambda: 0),
        ):
            yield folder / "users.json"

    def test_root_works_with_the_key_of_the_stores_owner(self, store: Path, tmp_path: Path) -> None:
        key = tmp_path / "keeper" / ".config" / "mailroster" / "secret.key"
        assert key_place(store) == (key, keeper_of(store))
        of_keeper = SecretBox(key)
        token = of_keeper.encrypt("x")
        os.chown(key, keeper_of(store), keeper_of(store))
        of_root = SecretBox(*key_place(store))
        assert of_root.decrypt(token) == "x"
        assert of_keeper.decrypt(of_root.encrypt("y")) == "y"

    def test_root_makes_no_key_and_names_who_does(self, store: Path, tmp_path: Path) -> None:
        box = SecretBox(*key_place(store))
        with pytest.raises(SecretUnavailable, match="sudo -u keeper mailroster"):
            box.encrypt("x")
        with pytest.raises(SecretUnavailable, match="sudo -u keeper mailroster"):
            box.sign(b"x")
        with pytest.raises(SecretUnavailable, match=r"again, .* as the operating system's user k"):
            box.decrypt("x")
        assert not (tmp_path / "keeper").exists()
        assert not (tmp_path / "home").exists()

    def test_it_can_be_told_where(
        self, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        key = tmp_path / "config" / "mailroster" / "secret.key"
        assert key_place(store) == (key, keeper_of(store))

    def test_of_its_own_store_it_is_its_own(self, store: Path, tmp_path: Path) -> None:
        status = os.stat_result((0o40700, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        own = tmp_path / "home" / ".config" / "mailroster" / "secret.key"
        with in_place_of(os, "stat", lambda _: status):
            assert key_place(store) == (own, None)

    def test_without_a_home_nothing_is_made_in_the_current_folder(
        self, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("HOME")
        monkeypatch.delenv("XDG_DATA_HOME")
        monkeypatch.chdir(tmp_path)
        with (
            in_place_of(pwd, "getpwuid", {}.__getitem__),
            in_place_of(os, "geteuid", lambda: 4711),
        ):
            self.nothing_is_made(store, tmp_path)

    def nothing_is_made(self, store: Path, tmp_path: Path) -> None:
        before = sorted(tmp_path.rglob("*"))
        box = SecretBox(*key_place(store))
        for use in (lambda: box.encrypt("x"), lambda: box.decrypt("x"), lambda: box.sign(b"")):
            with pytest.raises(SecretUnavailable, match=r"uid 4711 .*XDG_CONFIG_HOME .*password_f"):
                use()
        with pytest.raises(InvalidValue, match="--store"):
            store_path()
        assert sorted(tmp_path.rglob("*")) == before
        (tmp_path / "password").write_text("from a file\n")
        settings = Settings(password_file=str(tmp_path / "password"))
        assert directory_password(settings, box) == "from a file"


@pytest.mark.parametrize("key", BROKEN_KEYS)
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
        (Settings(password_command=("printf", r"\377")), "something that is not UTF-8"),
        (Settings(password_file="x\0y"), "cannot be read"),
    ],
)
def test_a_source_that_fails_is_named(box: SecretBox, settings: Settings, says: str) -> None:
    with pytest.raises(SecretUnavailable, match=says):
        directory_password(settings, box)


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"\xef\xbb\xbfgeheim\r\n", "geheim"),
        (b"geheim\rmore", "geheim"),
        ("grün \u2028x".encode(), "grün \u2028x"),
        (b" geheim \n", " geheim "),
        (b"", None),
        (b"\n", None),
        (b"\r\ngeheim\n", None),
        (b"\xef\xbb\xbf", None),
        ("geheim".encode("utf-16"), None),
    ],
)
@pytest.mark.parametrize("source", ["file", "command"])
def test_the_first_line_is_the_password(
    box: SecretBox, tmp_path: Path, source: str, content: bytes, password: str | None
) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    settings = Settings(password_file=str(file))
    if source == "command":
        settings = Settings(password_command=("/bin/cat", str(file)))
    if password is not None:
        assert directory_password(settings, box) == password
        return
    with pytest.raises(SecretUnavailable, match=r"Nothing was changed\."):
        directory_password(settings, box)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_password_file_that_has_no_end(
    box: SecretBox, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "endless")
    with pytest.raises(SecretUnavailable, match="cannot be read: it is not a regular file"):
        directory_password(Settings(password_file=str(tmp_path / "endless")), box)


def test_a_command_that_takes_too_long_is_given_up(box: SecretBox) -> None:
    settings = Settings(password_command=("sh", "-c", "sleep 0.3; printf late"))
    assert directory_password(settings, box) == "late"
    with pytest.raises(SecretUnavailable, match=r"took longer than 0\.1 seconds"):
        directory_password(settings, box, command_seconds=0.1)


def test_settings_never_show_the_token() -> None:
    assert "TOKEN" not in repr(Settings(password="TOKEN"))
