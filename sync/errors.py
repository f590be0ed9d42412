"""What can go wrong between the directory and the store, as one tree under `SyncError`.

Only `SyncRunning` is beside it: the store's lock is what is busy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from store.errors import Problem, StoreBusy
from store.text import printable

T = TypeVar("T", bound=Problem)


class SyncError(Problem):
    """Base of every failure of a sync or a log-on."""

    kind = "sync"


class NotConfigured(SyncError):
    """No directory service is set up."""

    kind = "not_configured"


class GuardBlocked(SyncError):
    """The delete guard stopped the plan."""

    kind = "guard_blocked"
    untouched = "Nothing was written."


class SyncRunning(StoreBusy):
    """Another run holds the lock; how that one ends is what counts."""


class StalePlan(SyncError):
    """What the plan was made from has changed."""

    kind = "stale_plan"
    untouched = "Nothing was written."

    def __init__(self, differences: list[str]) -> None:
        self.differences = differences
        super().__init__(
            f"The plan is stale: {'; '.join(differences)}.",
            "Run Test Settings again to see what would change now.",
        )


class AlreadyApplied(StalePlan):
    """The history knows the plan as applied; a plan is applied once."""

    kind = "already_applied"

    def __init__(self, at: str, run_id: str) -> None:
        super().__init__([f"it was applied on {at} already (run {run_id} of the history)"])


class PlanFileError(SyncError):
    """A saved plan cannot be written or used."""

    kind = "plan_file"


class AnswerFileError(SyncError):
    """A kept answer of the directory cannot be written or used."""

    kind = "answer_file"


def not_written(
    kind: type[T], what: str, path: Path, error: OSError, untouched: str | None = None
) -> T:
    """Return the error for a new file that could not be made, such as a `plan` at `path`.

    Without `untouched` it says whether the file is there all the same.
    """
    if untouched is None:
        is_ours = not isinstance(error, FileExistsError) and os.path.lexists(path)
        untouched = (
            "It is there, but a power cut may undo it." if is_ours else f"No {what} was saved."
        )
    if isinstance(error, FileExistsError):
        return kind(
            f"The file {printable(path)} exists already.",
            "Choose another name, or remove that file first.",
            untouched=untouched,
        )
    return kind(
        f"The {what} {printable(path)} cannot be written: {error.strerror}.",
        "Check the folder's owner, mode and room.",
        untouched=untouched,
    )


class NotDelivered(SyncError):
    """A notice did not get to its receiver."""

    kind = "notices"
    untouched = "Syncs are not affected."


class ReportError(SyncError):
    """The report of a run cannot be written."""

    kind = "report"


class LogOnRefused(SyncError):
    """The log-on was refused: unknown, wrong or without the privilege, which looks the same."""

    kind = "log_on_refused"
    untouched = ""

    def __init__(self) -> None:
        super().__init__("The user name or the password is wrong, or this user may not log on.", "")


class LogOnLocked(LogOnRefused):
    """Too many failures: refused whatever the password. It looks like any other refusal."""


class LogOnUnavailable(SyncError):
    """Nobody can tell now whether the log-on is right; try later."""

    kind = "log_on_unavailable"
    untouched = ""


class DirectoryError(SyncError):
    """The directory cannot be reached or its answer cannot be used. Never a wrong password."""

    kind = "directory"


class DirectoryUnreachable(DirectoryError):
    """No conversation came about."""

    kind = "unreachable"


class HostNotFound(DirectoryUnreachable):
    """The host name has no address."""

    kind = "host_not_found"


class ConnectionFailed(DirectoryUnreachable):
    """The host refused the connection or cannot be reached."""

    kind = "connection_failed"


class TimedOut(DirectoryUnreachable):
    """The whole request took longer than its deadline."""

    kind = "timed_out"


class CertificateRefused(DirectoryUnreachable):
    """The server's certificate cannot be trusted."""

    kind = "certificate_refused"


class NotHTTPS(DirectoryUnreachable):
    """No TLS connection came about: another protocol, an old one, a client's certificate."""

    kind = "not_https"


class HandshakeFailed(NotHTTPS):
    """The TLS handshake failed, and the other side does not tell why."""


class StartTLSRefused(DirectoryUnreachable):
    """The LDAP server goes on in clear only."""

    kind = "start_tls_refused"


class AnswerRefused(DirectoryError):
    """The server answered, but not with a usable answer."""

    kind = "answer"


class Redirected(AnswerRefused):
    """A 3xx answer; it is reported, never followed."""

    kind = "redirected"


class ServiceCredentialsRefused(AnswerRefused):
    """401: our own credentials are missing or wrong."""

    kind = "service_credentials_refused"


class Forbidden(AnswerRefused):
    """403: the server does not let us use the service."""

    kind = "forbidden"


class ServiceNotFound(AnswerRefused):
    """404 or 405: there is no Application Integration service at the URL."""

    kind = "service_not_found"


class ServerFailed(AnswerRefused):
    """429 or 5xx: the server is overloaded or broken."""

    kind = "server_failed"


class UnexpectedStatus(AnswerRefused):
    """Any other status than 200: only that one carries a list or a verdict."""

    kind = "unexpected_status"


class NotWhole(AnswerRefused):
    """The answer is a part: it says so, or a limit, a referral or broken paging shows it."""

    kind = "not_whole"


class NotHTTP(AnswerRefused):
    """What came back breaks the rules of HTTP."""

    kind = "not_http"


class CutOff(AnswerRefused):
    """The connection ended before the answer did."""

    kind = "cut_off"


class Compressed(AnswerRefused):
    """The answer is compressed although that was not asked for."""

    kind = "compressed"


class TooLarge(AnswerRefused):
    """More bytes or more users than the limits allow."""

    kind = "too_large"


class NotJSON(AnswerRefused):
    """The answer is not strict JSON."""

    kind = "not_json"


class WrongShape(AnswerRefused):
    """The answer is JSON, but not what the protocol says."""

    kind = "wrong_shape"


class NotLDAP(AnswerRefused):
    """What came back is not LDAP."""

    kind = "not_ldap"


class BaseNotFound(AnswerRefused):
    """The entry under which to look for users is not there, or hidden."""

    kind = "base_not_found"


class FilterRefused(AnswerRefused):
    """The LDAP filter is malformed, or the server does not take it."""

    kind = "filter_refused"
