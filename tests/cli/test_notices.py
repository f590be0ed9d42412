"""Notices: real receivers, each told once of each thing, none of whom delays or fails a sync."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.errors import NotDelivered
from sync.status.receivers import send_mail
from tests.support.certificates import self_signed
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.receivers import TOKEN, Receiver, running_postfix, running_receiver
from tests.support.waiting import comes_true


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as server:
        yield server


@pytest.fixture
def told(connected: CommandLine, receiver: Receiver) -> CommandLine:
    """mailroster with a directory and a webhook."""
    set_webhook(connected, receiver.url)
    return connected


def set_webhook(mailroster: CommandLine, url: str) -> None:
    done = mailroster("settings", "set", "notify_webhook", stdin=url + "\n")
    assert done.code == 0, done.err


def sendmail(folder: Path, monkeypatch: pytest.MonkeyPatch, end: str = "exit 0") -> Path:
    """Put a `sendmail` first into PATH that keeps its words and its stdin; return where."""
    kept, program = folder / "mails", folder / "bin" / "sendmail"
    program.parent.mkdir(exist_ok=True)
    program.write_text(
        f'#!/bin/sh\n{{ echo "$@"; cat; }} >> {kept}\necho it is not well >&2\n{end}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return kept


def night(mailroster: CommandLine, code: int) -> None:
    assert mailroster("sync", "--yes").code == code


def test_nights_are_told_of_once(
    told: CommandLine, directory: Directory, receiver: Receiver
) -> None:
    assert told("settings", "set", "auto_delete=true").code == 0
    directory.put(*(f"user{number}" for number in range(9)))
    url = directory.url
    night(told, 0)
    assert receiver.got == []
    told.set_up("http://127.0.0.1:9/")
    for _ in range(3):
        night(told, 20)
    assert len(receiver.got) == 1
    (failed,) = receiver.got[0]["troubles"]
    assert failed["kind"] == "sync_failed"
    for part in ("what", "untouched", "advice"):
        assert failed[part]
        assert failed[part] in receiver.got[0]["text"]
    told.set_up(url)
    directory.put("user0")
    for _ in range(2):
        night(told, 11)
    assert len(receiver.got) == 2
    assert receiver.got[1]["troubles"][0]["kind"] == "guard_stop"
    assert "--allow-deletes 8" in receiver.got[1]["text"]
    directory.put(*(f"user{number}" for number in range(9)))
    for _ in range(2):
        night(told, 0)
    assert receiver.subjects()[2:] == ["well again"]
    assert "Syncs succeed again." in receiver.got[2]["text"]
    assert receiver.got[2]["well"] is True


def test_conflicts_are_told_of_again_when_they_are_others(
    told: CommandLine, directory: Directory, receiver: Receiver
) -> None:
    for name in ("anna", "bert"):
        assert told("users", "add", name, stdin="correct horse battery").code == 0
    directory.put("anna")
    night(told, 13)
    night(told, 13)
    assert len(receiver.got) == 1
    directory.put("anna", "bert")
    night(told, 13)
    assert len(receiver.got) == 2
    directory.put("anna")
    night(told, 13)
    directory.put("bert")  # as many, but another one
    for _ in range(2):
        night(told, 13)
    assert len(receiver.got) == 4
    directory.put("carla")
    night(told, 0)
    assert "No conflict is left." in receiver.got[4]["text"]


def test_an_archive_that_is_not_mounted(
    told: CommandLine, directory: Directory, receiver: Receiver, tmp_path: Path
) -> None:
    root = tmp_path / "mail"
    root.mkdir()
    assert told("settings", "set", f"archive_root={root}").code == 0
    root.rename(tmp_path / "elsewhere")
    directory.put("anna")
    night(told, 23)
    assert "archive" in {trouble["kind"] for trouble in receiver.got[0]["troubles"]}


@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_receiver_that_refuses(
    told: CommandLine, directory: Directory, receiver: Receiver, status: int
) -> None:
    assert told("users", "add", "anna", stdin="correct horse battery").code == 0
    directory.put("anna")
    receiver.status = status
    night(told, 13)
    found = told("status", "--json").json["troubles"]
    assert [item["kind"] for item in found if item["kind"] != "conflicts"] == ["notices"]
    assert TOKEN not in json.dumps(found)
    receiver.status = 204
    night(told, 13)  # it is told now
    assert len(receiver.got) == 2
    found = told("status", "--json").json["troubles"]
    assert [item["kind"] for item in found] == ["conflicts"]


def test_one_that_hangs_costs_its_limit_and_holds_no_lock(
    connected: CommandLine, directory: Directory
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        set_webhook(connected, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert connected("users", "add", "anna", stdin="correct horse battery").code == 0
        directory.put("anna", "bert")
        codes: list[int] = []
        waiting = threading.Thread(target=lambda: codes.append(connected("sync", "--yes").code))
        started = time.monotonic()
        waiting.start()
        connection, _ = silent.accept()
        with connection:  # the sync is done by now, whatever the receiver does
            assert "bert" in connected.users()
            assert connected("users", "edit", "bert", "--full-name", "B").code == 0
            waiting.join(40)
    assert codes == [13]
    assert time.monotonic() - started < 30


def test_mail(
    connected: CommandLine,
    directory: Directory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = sendmail(tmp_path, monkeypatch)
    assert connected("settings", "set", "notify_mail=root@example.com").code == 0
    connected.set_up("http://127.0.0.1:9/")
    night(connected, 20)
    night(connected, 20)
    words, *mail = kept.read_text().splitlines()
    assert words == "-i -- root@example.com"
    assert sum(line.startswith("Subject: mailroster on ") for line in mail) == 1
    assert "To: root@example.com" in mail
    assert "Auto-Submitted: auto-generated" in mail


def test_a_sendmail_that_fails(
    connected: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sendmail(tmp_path, monkeypatch, "exit 75")
    assert connected("settings", "set", "notify_mail=root@example.com").code == 0
    connected.set_up("http://127.0.0.1:9/")
    night(connected, 20)
    assert "sendmail ended with 75: it is not well." in connected("status").out


def test_a_mail_through_postfix_to_a_mailbox(connected: CommandLine) -> None:
    with running_postfix() as postfix:
        connected.environment = postfix.environment
        assert connected("settings", "set", "notify_mail=root@example.com").code == 0
        connected.set_up("http://127.0.0.1:9/")
        night(connected, 20)
        night(connected, 20)
        assert comes_true(lambda: bool(postfix.mails()))
        (mail,) = postfix.mails()
        assert mail["To"] == "root@example.com"
        assert str(mail["Subject"]).startswith("mailroster on ")
        assert "Syncs have failed since" in mail.get_payload()
        assert connected("status", "--notify-test").code == 0
        assert comes_true(lambda: len(postfix.mails()) == 2)


def test_a_sendmail_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sendmail(tmp_path, monkeypatch, "sleep 60")
    started = time.monotonic()
    with pytest.raises(NotDelivered, match="did not end in time"):
        send_mail("root@example.com", "subject", "text", seconds=0.3)
    assert time.monotonic() - started < 30


def test_a_try(told: CommandLine, receiver: Receiver) -> None:
    done = told("status", "--notify-test")
    assert (done.code, done.out) == (0, "webhook: delivered\n")
    assert receiver.subjects() == ["a test"]
    receiver.status = 500
    done = told("status", "--notify-test", "--json")
    assert (done.code, done.json["receivers"]["webhook"]["kind"]) == (1, "notices")


def test_a_try_without_receivers(mailroster: CommandLine) -> None:
    assert mailroster("status", "--notify-test").code == 1


def test_the_url_is_kept_and_shown_like_the_password(told: CommandLine, receiver: Receiver) -> None:
    assert told("settings", "show", "--json").json["notify_webhook"] == "(set)"
    assert TOKEN not in told.store.read_text()
    run = told("history", "list", "--json").json["runs"][-1]["id"]
    assert told("history", "show", run, "--json").json["settings"]["notify_webhook"] == {
        "old": "",
        "new": "(set)",
    }
    assert told("settings", "set", f"notify_webhook={receiver.url}").code == 2
    set_webhook(told, "")
    assert told("settings", "show", "--json").json["notify_webhook"] == ""


@pytest.mark.parametrize("url", ["ftp://example.com/", "example.com", "http://", "http://a b/"])
def test_what_is_no_webhook(mailroster: CommandLine, url: str) -> None:
    done = mailroster("settings", "set", "notify_webhook", stdin=url)
    assert (done.code, "notify_webhook" in done.err) == (1, True)


@pytest.mark.parametrize("address", ["root", "a@b@c", "-f@"])
def test_what_is_no_address(mailroster: CommandLine, address: str) -> None:
    assert mailroster("settings", "set", f"notify_mail={address}").code == 1


def test_what_is_said_of_users_who_wait_and_of_those_who_do_not(
    told: CommandLine, directory: Directory, receiver: Receiver
) -> None:
    assert told("users", "add", "anna", stdin="correct horse battery").code == 0
    directory.put("anna", "bert")
    night(told, 13)
    assert "bert" in told.users()
    (conflicts,) = receiver.got[0]["troubles"]
    assert conflicts["untouched"] == "The users concerned were left as they are."


def test_a_pin_that_is_taken_away(
    told: CommandLine, directory: Directory, receiver: Receiver, tmp_path: Path
) -> None:
    pem = self_signed(tmp_path).certificate
    directory.put("anna")
    assert told("settings", "set", f"pinned_certificate={pem}").code == 0
    night(told, 0)
    assert told("settings", "set", "pinned_certificate=").code == 0
    night(told, 0)
    assert "No pinned certificate ends soon." in receiver.got[1]["text"]


def test_an_empty_answer_is_told_with_what_to_do(
    told: CommandLine, directory: Directory, receiver: Receiver
) -> None:
    directory.put("anna")
    night(told, 0)
    directory.put()
    night(told, 11)
    assert receiver.got[0]["troubles"][0]["advice"].startswith("Find out why")


def test_the_key_of_the_url_is_on_another_host(told: CommandLine, directory: Directory) -> None:
    Path(os.environ["XDG_CONFIG_HOME"], "mailroster", "secret.key").unlink()
    done = told("status", "--notify-test", "--json")
    lost = done.json["receivers"]["webhook"]
    assert lost["what"].startswith("The URL in notify_webhook cannot be decrypted: its key ")
    assert "password" not in lost["message"]
