"""The address of a store in PostgreSQL: what `--store` names, and what messages show of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from store.errors import InvalidValue
from store.text import printable

_HOSTS = re.compile(r"(?:(?:\[[^\]]*\]|[^:,\[\]]*)(?::\d*)?(?:,|$))*")
_SHOWN = ("host", "port", "service", "dbname")
_SECRETS = {"password", "sslpassword"}


@dataclass(frozen=True, slots=True)
class Address:
    """A database as libpq's URL names it; `where` is what messages show of it.

    `name` is that of the database, or of the service that names it.
    """

    url: str = field(repr=False)
    where: str
    name: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Return the address; raises `InvalidValue` for a malformed one, or one with a password.

        A password would be in process lists, in units of systemd and in the mail server's files.
        """
        try:
            parts = urlsplit(url)
            query = parse_qsl(parts.query, keep_blank_values=True)
        except ValueError:
            raise _malformed() from None
        if not _HOSTS.fullmatch(parts.netloc.rpartition("@")[2]):
            raise _malformed()
        user, at, hosts = parts.netloc.rpartition("@")
        if ":" in user or _SECRETS & {name for name, _ in query}:
            raise InvalidValue(
                "The address of the user database has a password in it, which everybody on this "
                "machine could read.",
                "Leave it out. Put the password into ~/.pgpass (mode 0600), or name a service of "
                "pg_service.conf: postgresql:///?service=mailroster.",
                untouched="Nothing was opened.",
            )
        shown = urlencode([item for item in query if item[0] in _SHOWN], safe="/,:")
        where = f"postgresql://{user}{at}{hosts}{parts.path}{'?' if shown else ''}{shown}"
        given = {"dbname": unquote(parts.path[1:])} | dict(query)
        name = given["dbname"] or given.get("service") or hosts or "postgresql"
        return cls(url, printable(where, 300), printable(name, 60))

    def parameters(self) -> dict[str, object]:
        """Return the address as libpq's parameters; raises `InvalidValue`, and shows nothing."""
        import psycopg.conninfo

        try:
            return dict(psycopg.conninfo.conninfo_to_dict(self.url))
        except psycopg.ProgrammingError:  # its text has the whole address
            raise _malformed() from None


def _malformed() -> InvalidValue:
    return InvalidValue(
        "The address of the user database cannot be read.",
        "Give it in this form: postgresql://host1,host2/mailroster?target_session_attrs=read-write",
        untouched="Nothing was opened.",
    )
