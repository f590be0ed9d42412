"""Local passwords: policy, bcrypt hashes and their check."""

from __future__ import annotations

import unicodedata

import bcrypt

from store.errors import InvalidValue, StoreDamaged
from store.names import match_key

COST = 12
MIN_CHARACTERS = 15
MAX_BYTES = 72  # bcrypt reads no more

_NOBODY = "$2b${:02}$uvHqLCRuIxpmPiRFyela9upJtmzhxGyHOEESryy6.WcPC4uuVJ9Pi"  # of which cost


def decoy_hash(cost: int) -> str:
    """Return the hash of a random password that nobody knows, of that cost.

    It is checked where there is no hash to check, so that an unknown user takes as long as a wrong
    password.
    """
    return _NOBODY.format(cost)


def normalized(password: str) -> str:
    """Return the password in the form of PRECIS OpaqueString (RFC 8265, 4.2.2), unchecked."""
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in password)
    return unicodedata.normalize("NFC", spaced)


def password_problem(password: str, user_name: str) -> str | None:
    """Return what about this password is refused for this user, as its predicate, or None."""
    if any(unicodedata.category(char) in ("Cc", "Cs", "Cn") for char in password):
        return "contains a control or an unassigned character"
    plain = normalized(password)
    if len(plain) < MIN_CHARACTERS:
        return f"has fewer than {MIN_CHARACTERS} characters"
    if len(plain.encode()) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes, and bcrypt reads no more"
    if match_key(plain) == match_key(user_name):
        return "is the user name"
    return None


def hash_password(password: str, user_name: str) -> str:
    """Return the bcrypt hash; raises `InvalidValue` if the password breaks the policy."""
    if problem := password_problem(password, user_name):
        raise InvalidValue(
            f"The password was refused: it {problem}.",
            f"Choose another one of {MIN_CHARACTERS} characters or more; a few unrelated words "
            "do well.",
        )
    return bcrypt.hashpw(normalized(password).encode(), bcrypt.gensalt(COST)).decode("ascii")


def verify_password(password: str, password_hash: str | None) -> bool:
    """Tell whether `password` belongs to `password_hash`; None takes as long and is never right.

    A wrong password takes as long as at today's cost, also for a hash of a lower one. Raises
    `StoreDamaged` for a hash that is not one of bcrypt.
    """
    try:
        plain = normalized(password).encode()
    except UnicodeEncodeError:
        plain = b""
    fits = 0 < len(plain) <= MAX_BYTES and b"\0" not in plain
    stored = (password_hash if password_hash is not None else decoy_hash(COST)).encode()
    try:
        right = bcrypt.checkpw(plain if fits else b"-", stored)
    except ValueError:
        raise StoreDamaged(
            "The stored password hash of this user is not a bcrypt hash.",
            "Set the password again.",
        ) from None
    if not right:
        for _ in range(2 ** max(0, COST - _cost(stored.decode())) - 1):
            bcrypt.checkpw(b"-", stored)
    return right and fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Tell whether the hash was made with a lower cost than today's."""
    return _cost(password_hash) < COST


def _cost(password_hash: str) -> int:
    """Return the cost of a bcrypt hash; each one more doubles the time."""
    return int(password_hash.split("$")[2])
