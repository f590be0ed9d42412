"""How long a refusal takes tells nothing about why.

The statistic is the shortest time from the password to the answer, over interleaved rounds: what
else the machine does only adds to a time. The bound is that those of any two kinds of refusal
differ by less than a quarter, after 12 rounds at the latest.
"""

from __future__ import annotations

import imaplib
import time

import bcrypt
import pytest

from store.models import User
from tests.dovecot.site import Site, local
from tests.support.builders import managed
from tests.support.directory import Directory

ROUNDS = 12
LARGEST_DIFFERENCE = 0.25
COSTLY = bcrypt.hashpw(b"correct horse battery", bcrypt.gensalt(12)).decode()


def seconds(site: Site, user_name: str) -> float:
    connection = site.connect()
    started = time.perf_counter()
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        connection.log_on(user_name, "wrong horse battery")
    taken = time.perf_counter() - started
    connection.shutdown()
    return taken


@pytest.mark.alone
def test_refusals_take_the_same_time(connected: Site, directory: Directory) -> None:
    directory.put(dirk="the directory's")
    users: list[User] = [local("wanda", password_hash=COSTLY), local("lore", password_hash=COSTLY)]
    connected.fill(*users, managed("dirk"))
    for _ in range(5):
        connected.workspace.lockout.settle("lore", None, right=False)
    kinds = ["wanda", "lore", "dirk", "nobody at all"]
    seconds(connected, "nobody at all")
    shortest = dict.fromkeys(kinds, 60.0)
    for number in range(ROUNDS):
        for name in kinds[number % 4 :] + kinds[: number % 4]:
            shortest[name] = min(shortest[name], seconds(connected, name))
            for unlocked in ("wanda", "dirk"):
                connected.workspace.lockout.unlock(unlocked)
        if number > 0 and agree(shortest):
            break
    assert min(shortest.values()) > 0.1, shortest
    assert agree(shortest), shortest


def agree(times: dict[str, float]) -> bool:
    return min(times.values()) > (1 - LARGEST_DIFFERENCE) * max(times.values())
