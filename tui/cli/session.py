"""What the commands share: the open workspace, `--json`, failures, passwords from stdin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import click

from store.errors import (
    InvalidValue,
    Problem,
    StoreError,
)
from store.interface import Snapshot
from store.text import printable, quantity
from sync.workspace import Workspace, open_workspace
from tui.cli.exit_codes import INTERRUPTED, WRONG_USAGE, exit_code_of
from tui.cli.interrupts import Interrupted, SystemFailed, cut_short
from tui.cli.output import OutputFailed, give_up_output, is_of_output
from tui.cli.progress import Progress
from tui.texts.problems import told


class Session:
    """One call of the command line; the workspace is opened when a command first needs it."""

    def __init__(self, store: str | None) -> None:
        self._store = store
        self._is_read = False
        self._generation: int | None = None  # the store's, when the command first read it
        self.as_json = False
        self.code_of_failure: int | None = (
            None  # the code of every failure, for commands that have one
        )

    @cached_property
    def unread_workspace(self) -> Workspace:
        """The workspace, nothing of it read yet."""
        return open_workspace(
            self._store,
            on_wait=lambda text: click.echo(text, err=True),
            on_progress=Progress(),
        )

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that the command works on."""
        return self._read(lambda workspace: workspace.snapshot())

    @cached_property
    def workspace_for_log_on(self) -> Workspace:
        """The workspace, read only as far as a log-on needs: without users."""
        return self._read(lambda workspace: workspace.state())

    def _read(self, state: Callable[[Workspace], Snapshot]) -> Workspace:
        workspace = self.unread_workspace
        with suppress(StoreError, OSError):  # told when the command reads it
            self._generation = state(workspace).generation
        self._is_read = True
        return workspace

    def cut_short(self, problem: Problem) -> Problem:
        """Return the problem, which may end the command at any time, with what was written."""
        return cut_short(
            problem, self.unread_workspace if self._is_read else None, self._generation
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if "unread_workspace" in self.__dict__:
            with suppress(OSError):  # stderr is full: what was done is done
                for notice in self.unread_workspace.notices:
                    click.echo(f"mailroster: {printable(notice)}", err=True)
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


def problem_of(session: Session, error: BaseException) -> Problem:
    """Return the problem that describes a failure."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return session.cut_short(Interrupted())
    if isinstance(error, Problem):
        return error
    if isinstance(error, OSError) and is_of_output(error):
        return session.cut_short(OutputFailed(error))
    if failed := SystemFailed.of(error):
        return session.cut_short(failed)
    from tui.crash import Crash

    return Crash(error)


def report_failure(session: Session, error: BaseException) -> int:
    """Tell of a failure on stderr, with `--json` also on stdout, and return the exit code."""
    code, problem = exit_code_of(error), problem_of(session, error)
    if code != INTERRUPTED:
        code = session.code_of_failure or code
    with suppress(OSError):  # the exit code tells, where nothing else can
        click.echo(f"mailroster: {told(problem)}", err=True)
        if session.as_json:
            print_json({"status": "error", "exit_code": code, "error": problem.to_record()})
    give_up_output()
    return code


class WrongUsage(Problem):
    """The command was written wrongly."""

    kind = "usage"


class UsageError(click.UsageError):
    """Wrong usage that has the parts of a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(told(problem))
        self.problem = problem


def wrong_usage(what: str, advice: str, untouched: str = Problem.untouched) -> click.UsageError:
    """Return the error for a command that was written wrongly, which exits with 2."""
    return UsageError(WrongUsage(what, advice, untouched=untouched))


def print_usage_error(error: click.UsageError) -> None:
    """Print a wrong usage as JSON on stdout; click tells it on stderr."""
    if isinstance(error, UsageError):
        problem = error.problem
    else:
        command = error.ctx.command_path if error.ctx else "mailroster"
        what = error.format_message()
        what = what if what.endswith((".", "?")) else f"{what}."
        problem = WrongUsage(what, f"Try `{command} --help`.")
    print_json({"status": "error", "exit_code": WRONG_USAGE, "error": problem.to_record()})


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
            "The password on stdin is not UTF-8.",
            "Send it as UTF-8 text.",
        ) from None
    return text.removesuffix("\n").removesuffix("\r")


def read_passwords(prompts: Sequence[str]) -> list[str]:
    """Return a password for each prompt; from stdin, if that is no terminal, one on each line."""
    if not prompts or sys.stdin.isatty():
        return [read_password(prompt) for prompt in prompts]
    lines = [line.removesuffix("\r") for line in read_password("").split("\n")]
    if len(lines) != len(prompts):
        raise wrong_usage(
            f"stdin holds {quantity(len(lines), 'password')}; mailroster needs {len(prompts)}.",
            f"Pipe one on each line: {', '.join(prompts)}.",
            "Nothing was sent.",
        )
    return lines


def confirm(question: str) -> None:
    """Ask on the terminal; raises `click.Abort` for no, and a usage error without a terminal."""
    if not sys.stdin.isatty():
        raise wrong_usage("mailroster cannot ask you: stdin is not a terminal.", "Add --yes.")
    click.confirm(question, abort=True, err=True)


def table_lines(rows: Sequence[Sequence[str]], widest: int | None = None) -> list[str]:
    """Return rows as aligned columns of printable text, cells cut to `widest` characters."""
    shown = [[printable(cell, widest) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
