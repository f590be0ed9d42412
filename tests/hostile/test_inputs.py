"""What arrives from outside: inputs of the fuzzer that are kept, and a few new ones every time."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.promises import (
    PASSWORD,
    USER,
    LogOnAtTheMailServer,
    answer_is_read_or_refused,
)

INPUTS = Path(__file__).parent / "inputs"
KEPT = sorted((INPUTS / "answer").iterdir())
KEPT_CREDENTIALS = sorted((INPUTS / "checkpassword").iterdir())


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.name)
def test_kept_answers(file: Path) -> None:
    answer_is_read_or_refused(file.read_bytes())


# Pieces of an answer in any order, now and then in the right one.
words = [
    literal_eval(line).encode("latin-1")
    for line in (INPUTS / "answer.dict").read_text().splitlines()
    if line.startswith('"')
]
pieces_of_answers = st.lists(st.sampled_from([*words, *(b"%c" % char for char in b'[]{}:,"\n ')]))


@given(pieces_of_answers.map(b"".join))
def test_pieces_of_answers(body: bytes) -> None:
    answer_is_read_or_refused(body)


@given(st.sampled_from([file.read_bytes() for file in KEPT]), st.data())
def test_kept_answers_with_bytes_changed(body: bytes, data: st.DataObject) -> None:
    places = st.integers(0, len(body))
    start, end = sorted((data.draw(places), data.draw(places)))
    answer_is_read_or_refused(body[:start] + data.draw(st.binary(max_size=8)) + body[end:])


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[LogOnAtTheMailServer]:
    asked = LogOnAtTheMailServer(tmp_path)
    yield asked
    asked.close()


@pytest.mark.parametrize("file", KEPT_CREDENTIALS, ids=lambda file: file.name)
def test_kept_credentials(mail_server: LogOnAtTheMailServer, file: Path) -> None:
    mail_server.is_answered(file.read_bytes())


fields = st.binary(max_size=20) | st.sampled_from([USER.encode(), PASSWORD.encode(), b"\xff"])


@given(st.lists(fields, max_size=6).map(b"\0".join) | st.binary(max_size=600))
@example(f"{USER}\0{PASSWORD}\0\0".encode())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_credentials(mail_server: LogOnAtTheMailServer, data: bytes) -> None:
    mail_server.is_answered(data)
