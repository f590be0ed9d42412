"""A pipe, or a device without end, in the place of a file is refused and not waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.ports import free_port


@pytest.mark.parametrize("is_device", [False, True], ids=["pipe", "device"])
@pytest.mark.parametrize(
    "words",
    [
        ["settings", "set", "pinned_certificate={}"],
        ["directory-check", "https://127.0.0.1:{port}/", "ca_file={}"],
        ["directory-server", "{}"],
        ["directory-server", "users.csv", "--certificate", "{}"],
        ["users", "list"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_of_each_file(
    mailroster: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    is_device: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("users.csv").write_text("userName\nanna\n")
    pipe = mailroster.store if words == ["users", "list"] else tmp_path / "pipe"
    pipe.parent.mkdir(exist_ok=True)
    if is_device:
        pipe.symlink_to("/dev/zero")
    else:
        os.mkfifo(pipe)
    done = mailroster(*(word.format(pipe, port=free_port()) for word in words))
    assert done.code not in (0, None)
    assert "fault of mailroster" not in done.err
    assert "regular file" in done.err + done.out or "symbolic link" in done.err
