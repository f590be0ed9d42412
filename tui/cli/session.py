"""What the commands share: the open workspace, `--json`, exit codes, passwords from stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import click

from store.errors import InvalidValue, StoreBusy, StoreDamaged, StoreError, StoreFull
from store.text import printable
from sync.errors import DirectoryError, GuardBlocked, StalePlan, SyncError
from sync.workspace import Workspace, open_workspace

OK = 0
OTHER_ERROR = 1
WRONG_USAGE = 2
CHANGES_PENDING = 10
GUARD_BLOCKED = 11
STALE_PLAN = 12
CONFLICTS_SKIPPED = 13
DIRECTORY_FAILED = 20
STORE_BUSY = 21
STORE_DAMAGED = 22
INTERRUPTED = 130

_EXIT_CODES: dict[type[Exception], int] = {
    GuardBlocked: GUARD_BLOCKED,
    StalePlan: STALE_PLAN,
    DirectoryError: DIRECTORY_FAILED,
    StoreBusy: STORE_BUSY,
    StoreDamaged: STORE_DAMAGED,
    StoreFull: STORE_DAMAGED,
}


class Session:
    """One call of the command line; the workspace is opened when a command first needs it."""

    _generation: int | None = None  # the store's, when the command first read it

    def __init__(self, store: str | None) -> None:
        self._store = store
        self.as_json = False
        self.code_of_failure: int | None = None  # where a command has one for whatever fails

    @cached_property
    def unread_workspace(self) -> Workspace:
        """The workspace, nothing of it read yet."""
        return open_workspace(self._store, on_wait=lambda text: click.echo(text, err=True))

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that the command works on."""
        with suppress(StoreError):  # told when the command reads it
            self._generation = self.unread_workspace.snapshot().generation
        return self.unread_workspace

    def interruption(self) -> str:
        """Say what is known to have been written after an interrupt, which may come at any time."""
        if "workspace" not in self.__dict__:
            return "Interrupted. Nothing was written."
        try:
            generation = self.workspace.snapshot().generation
        except StoreError as error:
            return f"Interrupted. Whether anything was written cannot be told: {error}"
        if generation == self._generation:
            return "Interrupted. No user and no setting was changed."
        return (
            "Interrupted, but by then the store had been written, by this command or another one: "
            f"its generation is {generation} now and was {self._generation or 'unknown'}. What was "
            "written is whole. Look at it with `mailroster history list` and `mailroster users "
            "list` before you try again."
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if "unread_workspace" in self.__dict__:
            self.unread_workspace.close()


pass_session = click.make_pass_decorator(Session)


def _remember_json(ctx: click.Context, _param: click.Parameter, wanted: bool) -> bool:
    ctx.obj.as_json = wanted
    return wanted


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_remember_json, help="Print JSON."
)


def print_json(value: Any) -> None:
    """Print `value` as JSON on stdout; all that is not ASCII is escaped."""
    import json

    click.echo(json.dumps(value, indent=2))


def exit_code_of(error: BaseException) -> int:
    """Return the exit code for a failure."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    for kind, code in _EXIT_CODES.items():
        if isinstance(error, kind):
            return code
    return OTHER_ERROR


def error_record(session: Session, error: BaseException) -> dict[str, str]:
    """Return the failure as the record that JSON output shows."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return {"kind": "interrupted", "message": session.interruption()}
    if isinstance(error, (StoreError, SyncError)):
        return {"kind": error.kind, "message": str(error)}
    from tui.crash import crash_report

    return {"kind": "unexpected", "message": crash_report(error)}


def report_failure(session: Session, error: BaseException) -> int:
    """Tell of a failure on stderr, with `--json` also on stdout, and return the exit code."""
    code, record = exit_code_of(error), error_record(session, error)
    if code != INTERRUPTED:
        code = session.code_of_failure or code
    click.echo(f"mailroster: {record['message']}", err=True)
    if session.as_json:
        print_json({"status": "error", "exit_code": code, "error": record})
    return code


def read_password(prompt: str, *, confirm: bool = False) -> str:
    """Return a password from a prompt, or from stdin if that is no terminal.

    From stdin it is everything but one closing line end. Raises `InvalidValue` if that is not
    UTF-8.
    """
    if sys.stdin.isatty():
        typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        return typed
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InvalidValue(
            "The password on stdin is not UTF-8. Nothing was written. Send it as UTF-8 text."
        ) from None
    return text.removesuffix("\n").removesuffix("\r")


def read_passwords(prompts: Sequence[str]) -> list[str]:
    """Return a password for each prompt; from stdin, if that is no terminal, one on each line."""
    if not prompts or sys.stdin.isatty():
        return [read_password(prompt) for prompt in prompts]
    lines = [line.removesuffix("\r") for line in read_password("").split("\n")]
    if len(lines) != len(prompts):
        raise click.UsageError(
            f"Passwords on stdin: {len(lines)}; wanted: {len(prompts)}. Nothing was sent. "
            "Pipe one on each line: " + ", ".join(prompts)
        )
    return lines


def confirm(question: str) -> None:
    """Ask on the terminal; raises `click.Abort` for no, and a usage error without a terminal."""
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on. Nothing was changed. Add --yes.")
    click.confirm(question, abort=True, err=True)


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned columns of printable text."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
