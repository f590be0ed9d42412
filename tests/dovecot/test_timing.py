"""How long a refusal takes, from the password to the answer, tells nothing about why.

How that is judged says `tests.support.times`.
"""

from __future__ import annotations

import imaplib

import bcrypt
import pytest

from store.models import User
from tests.dovecot.site import Site, local
from tests.support.builders import managed
from tests.support.directory import Directory
from tests.support.times import told_apart

ROUNDS = 20
COSTLY = bcrypt.hashpw(b"correct horse battery", bcrypt.gensalt(12)).decode()


@pytest.mark.alone
async def test_refusals_take_the_same_time(connected: Site, directory: Directory) -> None:
    directory.put(dirk="the directory's")
    users: list[User] = [local("wanda", password_hash=COSTLY), local("lore", password_hash=COSTLY)]
    connected.fill(*users, managed("dirk"))
    for _ in range(5):
        connected.workspace.lockout.settle("lore", None, right=False)

    async def refuse(user_name: str) -> None:
        """Be refused, with the same wrong password each time, so that it locks nobody."""
        connection = connected.connect()
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            connection.log_on(user_name, "wrong horse battery")
        connection.shutdown()

    await refuse("nobody at all")
    kinds = ["wanda", "lore", "dirk", "nobody at all"]
    assert await told_apart(kinds, refuse, ROUNDS, at_least=0.1) == []
