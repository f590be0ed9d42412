"""What holds for whatever arrives from outside; an `AssertionError`, or any other, breaks it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from store.addresses import address_problem
from store.interface import Batch, Edit
from store.models import Settings, User
from store.names import match_key, name_problem
from store.passwords import hash_password
from sync.directory import strict_json
from sync.directory.answer import parse_listing, parse_verdict
from sync.directory.listing import Listing
from sync.directory.strict_json import PIECE_BYTES
from sync.errors import DirectoryError
from sync.logon.checkpassword import MAX_BYTES, read_credentials
from sync.logon.mail_access import admit, default_homes
from sync.workspace import open_workspace
from tests.support.builders import managed, plan_for

SETTINGS = Settings(url="https://directory.example/ai")
USER, PASSWORD = "anna", "correct horse battery"
STORED = [managed("anna", email_addresses=["a@x.org"]), managed("bert", distinguished_name="cn=b")]


def answer_is_read_or_refused(body: bytes, piece_bytes: int = PIECE_BYTES) -> None:
    """Read `body` as both answers of a directory; only a `DirectoryError` may come out.

    What is accepted is what the standard library reads, strictly; every user in it is usable,
    and in the plan that follows nobody who is listed is deleted.
    """
    assert _loaded(body, piece_bytes) == _loaded(body, len(body))
    shown = []
    try:
        listing = parse_listing(body, SETTINGS)
    except DirectoryError as error:
        shown.append(str(error))
    else:
        shown += listing.warnings + [record.problem for record in listing.invalid]
        _check_listing(body, listing)
        shown += _planned(listing)
    try:
        verdict = parse_verdict(body, SETTINGS)
    except DirectoryError as error:
        shown.append(str(error))
    else:
        answer = _read(body)
        assert verdict is (answer["succeeded"] if isinstance(answer, dict) else answer)
    for text in shown:
        assert text.isprintable()


def _check_listing(body: bytes, listing: Listing) -> None:
    try:
        records = _read(body)
    except RecursionError:  # the standard library's limit is lower than ours
        return
    assert listing.listed == len(records)
    named = [record["userName"] for record in records if isinstance(record, dict)
             and name_problem(record.get("userName")) is None]  # fmt: skip
    assert [user.user_name for user in listing.users] == named
    for user in listing.users:
        assert not any(map(address_problem, user.email_addresses))


def _loaded(body: bytes, piece_bytes: int) -> Any:
    """Return the value of `body`, read in such pieces, or what its refusal says."""
    try:
        return strict_json.loads(body, "here", piece_bytes)
    except DirectoryError as error:
        return str(error)


def _planned(listing: Listing) -> list[str]:
    plan = plan_for(STORED, listing)
    listed = {match_key(user.user_name) for user in listing.users}
    deleted = {match_key(c.user_name) for c in plan.changes if c.action == "delete"}
    assert not deleted & listed
    return [change.reason for change in plan.changes]


def _read(body: bytes) -> Any:
    """Read JSON with the standard library alone, as strictly as it can be told to."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs), "a key is repeated"
        return dict(pairs)

    def no_constant(name: str) -> None:
        raise AssertionError(name)

    def of_64_bits(digits: str) -> int:
        assert len(digits) <= 21
        assert -(2**63) <= int(digits) < 2**64
        return int(digits)

    text = body.decode("utf-8-sig")
    value = json.loads(
        text, object_pairs_hook=unique, parse_constant=no_constant, parse_int=of_64_bits
    )
    json.dumps(value, ensure_ascii=False).encode()  # no half of a surrogate pair
    return value


class LogOnAtTheMailServer:
    """A store with one user, asked the way Dovecot asks."""

    def __init__(self, folder: Path) -> None:
        """Make the store in `folder`."""
        self._workspace = open_workspace(str(folder / "users.json"), folder / "secret.key")
        user = User(
            user_name=USER, privileges=["login"], password_hash=hash_password(PASSWORD, USER)
        )
        self._workspace.store.apply(Batch([Edit.create(user)]))
        self._workspace.archives(Settings()).root.mkdir()

    def is_answered(self, data: bytes) -> None:
        """Put `data` on the descriptor: only the right password is accepted, nothing is an outage.

        At most one byte more than allowed is read, and the descriptor is closed.
        """
        reader, writer = os.pipe()
        os.write(writer, data[: 4 * MAX_BYTES])
        os.close(writer)
        credentials = read_credentials(reader)
        try:
            os.fstat(reader)
        except OSError:
            pass
        else:
            raise AssertionError("the descriptor is still open")
        if credentials is None:
            assert len(data) > MAX_BYTES or data.count(b"\0") < 3
            return
        name, password = (text.encode(errors="surrogateescape") for text in credentials)
        assert data.startswith(b"%b\0%b\0" % (name, password))
        for whom in ({"user": USER}, {"source": "127.0.0.1"}):
            self._workspace.lockout.unlock(**whom)
        homes = default_homes(self._workspace)
        verdict, access = admit(self._workspace, homes, *credentials)
        right = match_key(credentials[0]) == USER and credentials[1] == PASSWORD
        assert verdict.public == ("accepted" if right else "refused"), verdict.error
        assert (access is not None) == right

    def close(self) -> None:
        """Close the store."""
        self._workspace.close()
