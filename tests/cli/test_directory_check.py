"""`mailroster directory-check`, as a process."""

from __future__ import annotations

import pytest

from tests.support.command_line import CommandLine
from tests.support.ports import free_port
from tests.support.scripted_directory import scripted_directory

SECRETS = ("secret", "grün & +%41")


def test_a_conformant_server(mailroster: CommandLine) -> None:
    with scripted_directory() as directory:
        words = ("directory-check", directory.url, "--user", "archive", "--log-on", "anna")
        done = mailroster(*words, stdin="\n".join(SECRETS) + "\n")
        record = mailroster(*words, "--json", stdin="\r\n".join(SECRETS) + "\r\n")
    assert done.code == 0, done.out + done.err
    assert done.out.endswith("The directory keeps to the protocol.\n")
    assert "The right password is accepted." in done.out
    assert record.code == 0
    assert record.json["status"] == "conformant"
    assert record.json["error"] is None
    assert {item["level"] for item in record.json["findings"]} == {"ok"}
    assert not any(secret in done.out + done.err + record.out for secret in SECRETS)
    assert not mailroster.store.exists()


def test_what_is_wrong_is_said_in_words(mailroster: CommandLine) -> None:
    with scripted_directory(users=[{"userName": "a/b"}]) as directory:
        done = mailroster("directory-check", directory.url, "--user", "archive", stdin="secret\n")
    assert done.code == 13
    assert "PROBLEM  1 record has no usable user name: “a/b”" in done.out
    assert "Correct the names in the directory" in done.out


def test_nobody_there(mailroster: CommandLine) -> None:
    done = mailroster("directory-check", f"http://127.0.0.1:{free_port()}/", "--json")
    assert done.code == 20
    assert done.json["status"] == "broken"
    assert "refused the connection" in done.json["findings"][0]["found"]


def test_a_server_that_was_asked_too_often(mailroster: CommandLine) -> None:
    with scripted_directory(credentials=None, unknown_user=(429, b"")) as directory:
        done = mailroster("directory-check", directory.url)
        record = mailroster("directory-check", directory.url, "--json")
    assert done.code == record.code == 20
    assert "BROKEN" not in done.out
    assert done.out.endswith("mailroster could not check everything. Check again later.\n")
    assert record.json["status"] == "unchecked"


def test_settings_after_the_url(mailroster: CommandLine) -> None:
    with scripted_directory(credentials=None, unknown_user=(200, {"ok": False})) as directory:
        assert mailroster("directory-check", directory.url).code == 20
        assert mailroster("directory-check", directory.url, "auth_success_field=ok").code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("ftp://x",), 1, "does not start with http"),
        (("http://x", "nonsense"), 2, "has no value"),
        (("http://x", "nonsense=1"), 1, "nonsense"),
        (
            ("http://x", "--user", "a", "--log-on", "b"),
            2,
            "stdin holds 1 password; mailroster needs 2.",
        ),
        ((), 2, "Missing argument"),
    ],
)
def test_wrong_usage(
    mailroster: CommandLine, words: tuple[str, ...], code: int, message: str
) -> None:
    done = mailroster("directory-check", *words)
    assert done.code == code
    assert message in done.err
