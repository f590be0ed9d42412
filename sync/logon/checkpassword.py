"""Dovecot 2.3's checkpassword: credentials on descriptor 3, the answer in the environment.

The interface is the one of https://cr.yp.to/checkpwd/interface.html, with the variables of
Dovecot 2.3's checkpassword passdb and userdb.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sync.logon.mail_access import MailAccess

DESCRIPTOR = 3
MAX_BYTES = 512
REFUSED = 1
MISUSED = 2
UNKNOWN_USER = 3
TRY_LATER = 111


def read_credentials(descriptor: int = DESCRIPTOR) -> tuple[str, str] | None:
    """Return user name and password from the descriptor and close it; None if it is misused.

    Bytes that are not UTF-8 become lone surrogates, which belong to no user and no password.
    """
    data = b""
    try:
        while len(data) <= MAX_BYTES and (part := os.read(descriptor, MAX_BYTES + 1 - len(data))):
            data += part
        os.close(descriptor)
    except OSError:
        return None
    fields = data.split(b"\0")
    if len(data) > MAX_BYTES or len(fields) < 4:
        return None
    user_name, password = (field.decode(errors="surrogateescape") for field in fields[:2])
    return user_name, password


def is_lookup(environment: Mapping[str, str]) -> bool:
    """Tell whether Dovecot looks a user up without a password, as a userdb."""
    return environment.get("AUTHORIZED") == "1"


def wants_credentials(environment: Mapping[str, str]) -> bool:
    """Tell whether Dovecot asks for the stored password, which nobody is ever told."""
    return "CREDENTIALS_LOOKUP" in environment


def environment_of(access: MailAccess, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for the program that goes on; `ORIG_UID` and the rest stay."""
    told = {
        "USER": access.user,
        "HOME": str(access.home),
        "userdb_uid": str(access.uid),
        "userdb_gid": str(access.gid),
        "userdb_acl": f"vfile:{access.acl}:cache_secs=2",
        "EXTRA": "userdb_uid userdb_gid userdb_acl",
    }
    if is_lookup(environment):
        told["AUTHORIZED"] = "2"
    return {**environment, **told}
