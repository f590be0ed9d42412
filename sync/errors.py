"""What can go wrong between the directory and the store, as one tree under `SyncError`."""

from __future__ import annotations


class SyncError(Exception):
    """Base of every failure of a sync or a log-on. Its text is written for the administrator.

    `kind` is the stable name used in JSON output.
    """

    kind = "sync"


class NotConfigured(SyncError):
    """No directory service is set up."""

    kind = "not_configured"


class GuardBlocked(SyncError):
    """The delete guard stopped the plan; nothing was written."""

    kind = "guard_blocked"


class StalePlan(SyncError):
    """What the plan was made from has changed; nothing was written."""

    kind = "stale_plan"

    def __init__(self, differences: list[str]) -> None:
        self.differences = differences
        super().__init__(
            "The plan is stale: " + "; ".join(differences) + ". Nothing was written. "
            "Run Test Settings again to see what would change now."
        )


class AlreadyApplied(StalePlan):
    """The history knows the plan as applied; a plan is applied once."""

    kind = "already_applied"

    def __init__(self, at: str, run_id: str) -> None:
        super().__init__([f"it was applied on {at} already (run {run_id} of the history)"])


class PlanFileError(SyncError):
    """A saved plan cannot be written or used; nothing was changed."""

    kind = "plan_file"


class ReportError(SyncError):
    """The report of a run cannot be written."""

    kind = "report"


class LogOnRefused(SyncError):
    """The log-on was refused: unknown, wrong or without the privilege, which looks the same."""

    kind = "log_on_refused"

    def __init__(self) -> None:
        super().__init__("The user name or the password is wrong, or this user may not log on.")


class LogOnLocked(LogOnRefused):
    """Too many failures: refused whatever the password. It looks like any other refusal."""


class LogOnUnavailable(SyncError):
    """Nobody can tell now whether the log-on is right; try later."""

    kind = "log_on_unavailable"


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
    """The port does not speak TLS."""

    kind = "not_https"


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
    """Any other status than 2xx."""

    kind = "unexpected_status"


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
