"""The command line: what it prints, what it changes, and its exit codes."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sync.directory.certificate import read_pin
from tests.support.authority import Authority
from tests.support.certificates import self_signed
from tests.support.command_line import CommandLine
from tests.support.directory import Directory

PASSWORD = "correct horse battery"
ROOT = Path(__file__).parents[2]


class TestSettings:
    def test_set_and_show(self, mailroster: CommandLine) -> None:
        done = mailroster(
            "settings",
            "set",
            "url=https://x.org/",
            "auto_delete=true",
            "default_privileges=login,export",
            "filters=include email_domain x.org; exclude user_name svc-*",
        )
        assert (done.code, done.out) == (0, "")
        shown = mailroster("settings", "show", "--json").json
        assert shown["url"] == "https://x.org/"
        assert shown["auto_delete"] is True
        assert shown["default_privileges"] == ["login", "export"]
        assert shown["filters"][1] == {
            "action": "exclude",
            "field": "user_name",
            "pattern": "svc-*",
        }
        text = mailroster("settings", "show").out
        assert "include email_domain x.org; exclude user_name svc-*" in text

    def test_what_was_set_is_printed_if_wanted(self, mailroster: CommandLine) -> None:
        done = mailroster("settings", "set", "max_users=5", "--json")
        assert (done.code, done.json["max_users"]) == (0, 5)
        assert done.json == mailroster("settings", "show", "--json").json

    def test_a_certificate_is_given_as_text_or_as_its_file(
        self, mailroster: CommandLine, tmp_path: Path
    ) -> None:
        file = self_signed(tmp_path).certificate
        pem = file.read_text()
        for value in (pem, "", str(file)):
            done = mailroster("settings", "set", f"pinned_certificate={value}", "--json")
            assert (done.code, done.json["pinned_certificate"]) == (0, value and pem)
        binary = tmp_path / "server.der"
        binary.write_bytes(ssl.PEM_cert_to_DER_cert(pem))
        for place in (tmp_path, tmp_path / "none.pem", binary):
            done = mailroster("settings", "set", f"pinned_certificate={place}")
            assert (done.code, "file cannot be read" in done.err) == (2, True)
            assert mailroster("settings", "show", "--json").json["pinned_certificate"] == pem

    def test_a_pin_is_shown_by_what_a_person_compares(
        self, mailroster: CommandLine, tmp_path: Path
    ) -> None:
        pem = self_signed(tmp_path).certificate.read_text()
        mailroster("settings", "set", f"pinned_certificate={pem}")
        shown, pin = mailroster("settings", "show").out, read_pin(pem)
        assert "BEGIN CERTIFICATE" not in shown
        for part in (pin.fingerprint, pin.subject, f"until {pin.valid_until:%Y-%m-%d}"):
            assert part in shown

    def test_of_a_file_with_more_only_the_first_certificate_is_pinned(
        self, mailroster: CommandLine, tmp_path: Path
    ) -> None:
        first = self_signed(tmp_path)
        pem = first.certificate.read_text()
        issuer = Authority(tmp_path).file.read_text()
        chain = tmp_path / "fullchain.pem"
        chain.write_text(f"subject=CN = server\n{first.key.read_text()}{pem}{issuer}")
        for value in (chain.read_text(), str(chain)):
            done = mailroster("settings", "set", f"pinned_certificate={value}", "--json")
            assert (done.code, done.json["pinned_certificate"]) == (0, pem)
        chain.write_text("-----BEGIN CERTIFICATE-----\nAA\n")
        done = mailroster("settings", "set", f"pinned_certificate={chain}")
        assert (done.code, "not a PEM certificate" in done.err) == (1, True)
        assert mailroster("settings", "show", "--json").json["pinned_certificate"] == pem

    def test_the_password_comes_from_stdin_and_is_never_shown(
        self, mailroster: CommandLine, tmp_path: Path
    ) -> None:
        assert mailroster("settings", "set", "password", stdin="s3cret pass\n").code == 0
        for shown in (mailroster("settings", "show"), mailroster("settings", "show", "--json")):
            assert "(set)" in shown.out
            assert "s3cret" not in shown.out
        assert "s3cret" not in (tmp_path / "users.json").read_text()

    def test_a_password_as_an_argument_is_refused(self, mailroster: CommandLine) -> None:
        done = mailroster("settings", "set", "password=s3cret")
        assert done.code == 2
        assert "s3cret" not in done.err

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("guard_max_deletes=abc", "guard_max_deletes: enter a whole number, in digits."),
            ("auto_delete=maybe", "auto_delete: enter true or false."),
        ],
    )
    def test_what_a_value_must_be_is_said(
        self, mailroster: CommandLine, value: str, words: str
    ) -> None:
        assert words in mailroster("settings", "set", value).err

    def test_a_bad_value_changes_nothing(self, mailroster: CommandLine, tmp_path: Path) -> None:
        done = mailroster("settings", "set", "auto_delete=true", "url=foo", "--json")
        assert done.code == 1
        assert done.json["error"]["kind"] == "invalid_value"
        assert not (tmp_path / "users.json").exists()


class TestUsers:
    def test_add_show_list_delete(self, mailroster: CommandLine) -> None:
        added = mailroster(
            "users", "add", "Anna", "--full-name", "Anna B", "--address", "a@x.org", stdin=PASSWORD
        )
        assert added.code == 0, added.err
        assert "a@x.org" in mailroster("users", "list").out
        assert mailroster("users", "show", "anna", "--json").json["full_name"] == "Anna B"
        (record,) = mailroster("users", "list", "--json").json
        assert record["user_name"] == "Anna"
        assert record["email_addresses"] == ["a@x.org"]
        assert record["authentication"] == "integrated"
        assert record["folder_privileges"] == {"anna": ["read", "write"]}
        assert "password_hash" not in record
        assert mailroster("users", "delete", "anna").code == 2
        done = mailroster("users", "delete", "anna", "--yes", "--json")
        assert (done.code, done.json["archive"]) == (0, "removed")
        assert mailroster("users", "list", "--json").json == []

    def test_an_unknown_name(self, mailroster: CommandLine) -> None:
        done = mailroster("users", "show", "nobody")
        assert done.code == 1
        assert "The user “nobody” does not exist." in done.err

    def test_set_auth_asks_the_directory(
        self, connected: CommandLine, directory: Directory
    ) -> None:
        connected("users", "add", "anna", stdin=PASSWORD)
        refused = connected("users", "set-auth", "anna", "directory_services")
        assert refused.code == 1
        assert "does not know “anna”" in refused.err
        assert connected("users", "set-auth", "anna", "directory_services", "--force").code == 0
        assert connected("users", "set-auth", "anna", "integrated").code == 0
        directory.put("anna")
        done = connected("users", "set-auth", "anna", "directory_services", "--json")
        assert (done.code, done.json["authentication"]) == (0, "directory_services")
        assert "The directory knows “anna”" in done.err

    def test_to_integrated_a_password_is_read(
        self, connected: CommandLine, directory: Directory
    ) -> None:
        directory.put("anna")
        assert connected("sync", "--yes").code == 0
        assert connected("users", "set-auth", "anna", "integrated", stdin="short").code == 1
        assert connected("users", "set-auth", "anna", "integrated", stdin=PASSWORD).code == 0
        assert connected("login", "anna", stdin=PASSWORD).code == 0
        assert connected("users", "set-password", "anna", stdin=PASSWORD + "!").code == 0
        assert connected("login", "anna", stdin=PASSWORD + "!").code == 0
        assert connected("login", "anna", stdin=PASSWORD).code == 1


class TestSync:
    def test_test_shows_and_writes_nothing(
        self, connected: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        directory.put("anna")
        before = (tmp_path / "users.json").read_bytes()
        done = connected("test")
        assert done.code == 0
        assert "+ create   anna  (in the directory, unknown here)" in done.out
        assert "full name: (none) -> Anna" in done.out
        assert connected("test", "--exit-code").code == 10
        assert (tmp_path / "users.json").read_bytes() == before

    def test_the_json_shape(self, connected: CommandLine, directory: Directory) -> None:
        directory.put("anna")
        record = connected("sync", "--yes", "--json").json
        assert record == {
            "status": "applied",
            "exit_code": 0,
            "counts": {
                "create": 1,
                "update": 0,
                "delete": 0,
                "conflict": 0,
                "rename": 0,
                "return": 0,
                "leave": 0,
            },
            "changes": [
                {
                    "action": "create",
                    "user_name": "anna",
                    "fields": {
                        "full_name": {"old": None, "new": "Anna"},
                        "email_addresses": {"old": None, "new": ["anna@example.com"]},
                        "privileges": {"old": None, "new": ["login"]},
                    },
                    "reason": "in the directory, unknown here",
                    "archive": None,
                }
            ],
            "error": None,
        }
        assert connected("test", "--json", "--exit-code").json["status"] == "no_changes"

    def test_without_a_terminal_it_needs_yes(
        self, connected: CommandLine, directory: Directory
    ) -> None:
        directory.put("anna")
        assert connected("sync").code == 2
        assert connected("users", "list", "--json").json == []

    def test_conflicts_are_skipped_and_told(
        self, connected: CommandLine, directory: Directory
    ) -> None:
        connected("users", "add", "anna", stdin=PASSWORD)
        directory.put("anna", "bert")
        done = connected("sync", "--yes", "--json")
        assert done.code == 13
        assert done.json["counts"]["conflict"] == 1
        assert done.json["counts"]["create"] == 1

    def test_the_guard(self, connected: CommandLine, directory: Directory) -> None:
        directory.put("a1", "a2", "a3", "a4", "a5")
        connected("settings", "set", "auto_delete=true")
        connected("sync", "--yes")
        directory.put("a1")
        for arguments in (("test",), ("sync", "--yes"), ("sync", "--yes", "--allow-deletes", "3")):
            done = connected(*arguments, "--json")
            assert (done.code, done.json["status"]) == (11, "blocked")
            assert done.json["counts"]["delete"] == 4
        assert len(connected("users", "list", "--json").json) == 5
        assert connected("sync", "--yes", "--hold-deletes").code == 0
        assert len(connected("users", "list", "--json").json) == 5
        assert connected("sync", "--yes", "--allow-deletes", "4").code == 0
        assert len(connected("users", "list", "--json").json) == 1

    def test_an_empty_directory_deletes_nobody(
        self, connected: CommandLine, directory: Directory
    ) -> None:
        directory.put("anna")
        connected("settings", "set", "auto_delete=true")
        connected("sync", "--yes")
        directory.put()
        for extra in ((), ("--allow-deletes", "1"), ("--hold-deletes",)):
            assert connected("sync", "--yes", *extra).code == 11
        assert len(connected("users", "list", "--json").json) == 1

    def test_failures_have_their_exit_codes(self, mailroster: CommandLine, tmp_path: Path) -> None:
        assert mailroster("test", "--json").json["error"]["kind"] == "not_configured"
        mailroster(
            "settings",
            "set",
            "directory_service=application_integration",
            "url=http://127.0.0.1:9/",
        )
        down = mailroster("sync", "--yes", "--json")
        assert (down.code, down.json["exit_code"], down.json["changes"]) == (20, 20, [])
        error = down.json["error"]
        assert error["what"].startswith("127.0.0.1:9 refused the connection")
        assert error["untouched"] == "Nothing was changed."
        assert error["message"] == f"{error['what']} {error['untouched']} {error['advice']}"
        (tmp_path / "users.json").write_text("{")
        damaged = mailroster("sync", "--yes", "--json")
        assert (damaged.code, damaged.json["error"]["kind"]) == (22, "store_damaged")
        assert mailroster("sync", "--nonsense").code == 2


class TestLogin:
    def test_the_three_answers(self, connected: CommandLine, directory: Directory) -> None:
        assert connected("login", "anna", stdin="x").code == 1
        directory.put(anna="right & proper")
        connected("sync", "--yes")
        done = connected("login", "anna", "--json", stdin="right & proper\n")
        assert (done.code, done.json["status"]) == (0, "accepted")
        done = connected("login", "anna", "--json", stdin="wrong\n")
        assert (done.code, done.json["status"]) == (1, "refused")
        connected("settings", "set", "url=http://127.0.0.1:9/")
        done = connected("login", "anna", "--json", stdin="right & proper\n")
        assert (done.code, done.json["status"]) == (111, "unavailable")

    def test_no_store_and_a_damaged_one_mean_try_later(
        self, mailroster: CommandLine, tmp_path: Path
    ) -> None:
        assert mailroster("login", "anna", stdin="x").code == 111
        (tmp_path / "users.json").write_text("{")
        assert mailroster("login", "anna", stdin="x").code == 111

    def test_bytes_that_are_no_text_are_refused(
        self, connected: CommandLine, tmp_path: Path
    ) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tui.cli", "--store", tmp_path / "users.json", "login", "x"],
            input=b"\xff\xfe",
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1


def test_the_store_comes_from_the_environment_too(
    mailroster: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailroster("users", "add", "anna", stdin=PASSWORD)
    monkeypatch.setenv("MAILROSTER_STORE", str(tmp_path / "users.json"))
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli", "users", "list"],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert "anna" in done.stdout


def test_without_one_given_the_store_is_where_the_platform_keeps_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tui.cli", "settings", "set", "max_users=5"]
    subprocess.run(command, check=True)
    assert (tmp_path / "data" / "mailroster" / "users.json").is_file()


def test_a_hostile_name_reaches_the_terminal_as_text(
    connected: CommandLine, directory: Directory
) -> None:
    directory.put("a\x1b]0;owned\x07b", "bert")
    done = connected("test")
    assert "\x1b" not in done.out + done.err
    assert "a\\x1b]0;owned\\x07b" in done.out


def test_the_version_is_that_of_the_project(mailroster: CommandLine) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert mailroster("--version").out == f"mailroster {project['version']}\n"


def test_a_command_that_there_is_not(mailroster: CommandLine) -> None:
    done = mailroster("synchronise")
    assert done.code == 2
    assert "No such command 'synchronise'" in done.err


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["login", "anna"], ["textual", "httpx", "pydantic", "cryptography"]),
        (["checkpassword", "true"], ["textual", "httpx", "pydantic", "cryptography"]),
        (["users", "list"], ["textual", "httpx", "pydantic", "cryptography"]),
        (["--help"], ["textual", "httpx"]),
    ],
)
def test_slow_imports_stay_away(arguments: list[str], absent: list[str], tmp_path: Path) -> None:
    probe = (
        "import sys\nfrom tui.cli import main\n"
        f"sys.argv = ['mailroster', '--store', {str(tmp_path / 's.json')!r}, *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], input="x", capture_output=True, text=True, check=True
    )
    loaded = done.stderr.splitlines()[-1].split()
    assert "click" in loaded
    assert not set(absent) & set(loaded)
