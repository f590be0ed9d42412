"""The log-on path over loopback HTTP, for mail servers and reverse proxies."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

from store.errors import Problem
from store.models import Settings
from store.text import printable
from sync.errors import SyncError
from sync.logon.accepted_before import AcceptedBefore
from sync.logon.access_keeper import AccessKeeper
from sync.logon.login import Need, Verdict, current_users, need_of
from sync.logon.mail_access import MailAccess, admit, let_in
from sync.logon.turns import Busy, Turns
from sync.server.form_server import ANSWER_SECONDS, HEALTH, FormHandler, Refused, cannot_listen
from sync.server.listener import Limits, Listener
from sync.workspace import Workspace

MAX_BODY_BYTES = 16 * 1024
LIMITS = Limits(most_of_one=Limits().most_connections, request_seconds=5.0)  # all are local
_STATUSES = {
    "accepted": HTTPStatus.OK,
    "refused": HTTPStatus.FORBIDDEN,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}


class LoginServerFailed(SyncError):
    """The server cannot start: its address cannot be used, or is not this machine's own."""

    kind = "login_server"
    untouched = "Nothing was started."


class LoginServer(Listener):
    """Answers log-ons on a loopback address; see docs/LOGON.md for the protocol.

    It listens from the start, on a free port if `port` is 0. The `limits` bound the connections,
    `turns` how many requests are worked on at once. `log` takes one line per
    request, free of passwords; by default it goes to stderr. The store is kept in memory and read
    again when it was changed; sessions that are open then follow (`AccessKeeper`). Raises
    `LoginServerFailed`.
    """

    finishes = True

    def __init__(
        self,
        workspace: Workspace,
        homes: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Callable[[str], None] | None = None,
        limits: Limits = LIMITS,
        turns: Turns | None = None,
    ) -> None:
        _check_loopback(host)
        self.workspace = workspace
        self._homes = homes
        self._turns = turns or Turns()
        self._accepted = AcceptedBefore()
        try:
            super().__init__(host, port, _Handler, log, limits)
        except (OSError, OverflowError) as error:
            raise LoginServerFailed(*cannot_listen("The login server", host, port, error)) from None
        self.url = self.address()

    def run(self) -> None:
        """Answer requests until `stop`, then finish those that are being worked on."""
        keeper = AccessKeeper(self.workspace, self._homes, self.log)
        keeper.start()
        try:
            self.serve()
        finally:
            keeper.stop()
            keeper.join()

    def decide(
        self, user_name: str, password: str, source: str | None
    ) -> tuple[Verdict, MailAccess | None]:
        """Return how the log-on ends, with the access if it is accepted; raises `Busy`."""
        attempt = (user_name, password, source)
        settings: Settings | None = None
        need: Need = "check"
        try:
            need = need_of(self.workspace, user_name, source)
            settings = current_users(self.workspace).settings
        except Problem:
            pass  # the check says what is wrong
        may_be_known = settings is not None and need != "nothing"
        if may_be_known and (known := self._let_in_again(*attempt)):
            return known
        with self._turns.turn(source, need):
            # Another request of the same page may have been let in meanwhile.
            if may_be_known and (known := self._let_in_again(*attempt)):
                return known
            verdict, access = admit(self.workspace, self._homes, *attempt)
        if verdict.user and settings:
            self._accepted.add(*attempt, verdict.user, settings)
        return verdict, access

    def _let_in_again(
        self, user_name: str, password: str, source: str | None
    ) -> tuple[Verdict, MailAccess | None] | None:
        try:
            now = current_users(self.workspace)
        except Problem:
            return None
        user = self._accepted.find(user_name, password, source, now)
        return let_in(self.workspace, self._homes, user) if user else None


class _Handler(FormHandler):
    """One request for each connection."""

    server: LoginServer
    largest_body = MAX_BODY_BYTES
    realm = "mail archive"
    encoding_errors = "surrogateescape"
    status_of_a_short_body = HTTPStatus.REQUEST_TIMEOUT

    def do_POST(self) -> None:  # noqa: N802
        try:
            form = self.form()
            if not {"userName", "password"} <= form.keys():
                raise Refused(HTTPStatus.BAD_REQUEST)
        except Refused as refused:
            self.answer(refused.status)
        else:
            self._check(form["userName"], form["password"], form.get("source"))

    def do_GET(self) -> None:  # noqa: N802
        """For nginx's auth_request: Basic credentials, and the client's address in a header."""
        if self.path == HEALTH:
            return self._tell_health()
        try:
            user_name, password = self.basic_credentials()
        except Refused as refused:
            return self.answer(refused.status, *refused.headers)
        return self._check(user_name, password, self.headers.get("X-Real-IP"), self.challenge)

    def _tell_health(self) -> None:
        """Answer whether the store can be read; that needs no credentials and no worker."""
        try:
            current_users(self.server.workspace)
        except Problem as error:
            self.server.log(f"health: {printable(error)}")
            return self.answer(HTTPStatus.SERVICE_UNAVAILABLE)
        return self.answer(HTTPStatus.OK)

    def _other_method(self) -> None:
        self.answer(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, POST"))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _other_method  # noqa: N815

    def _check(
        self, user_name: str, password: str, source: str | None, *challenge: tuple[str, str]
    ) -> None:
        self.server.arrived(self.connection, ANSWER_SECONDS)
        try:
            verdict, access = self.server.decide(user_name, password, source)
        except Busy as busy:
            self.server.log(f"busy: {busy}")
            return self.answer(HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", "1"))
        status = _STATUSES[verdict.public]
        if challenge and status is HTTPStatus.FORBIDDEN:
            status = HTTPStatus.UNAUTHORIZED
        self._log_verdict(user_name, source, verdict)
        headers = challenge if status is HTTPStatus.UNAUTHORIZED else ()
        return self.answer(status, *headers, body=_body_of(access) if access else None)

    def _log_verdict(self, user_name: str, source: str | None, verdict: Verdict) -> None:
        """Log the outcome. A name that nobody has is left out: it may be a password."""
        try:
            known = self.server.workspace.snapshot().find(user_name) is not None
        except Problem:
            known = False
        shown = f"“{printable(user_name, 100)}”" if known else "an unknown name"
        reason = f": {printable(verdict.error)}" if verdict.public == "unavailable" else ""
        self.server.log(f"{verdict.outcome} {shown} from {printable(source or '-', 60)}{reason}")


def _body_of(access: MailAccess) -> bytes:
    """Return the access as lines of `name=value`, in UTF-8; no value has a line end."""
    fields = {
        "user": access.user,
        "home": access.home,
        "acl": access.acl,
        "uid": access.uid,
        "gid": access.gid,
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()


def _check_loopback(host: str) -> None:
    try:
        if ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    raise LoginServerFailed(
        f"“{printable(host, 60)}” is not a loopback address, such as 127.0.0.1 or ::1.",
        "Use a loopback address: passwords arrive here in clear, so the server serves this "
        "machine only.",
    )
