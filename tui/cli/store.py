"""`mailroster store`: is everything whole, a copy of it, and the way back to a backup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from store import restore as restoring
from store.backups import backup_folder
from store.check import check_store
from store.errors import InvalidValue, StoreDamaged
from store.interface import Snapshot
from store.locations import key_path
from store.restore import Backup, Loss
from store.text import printable
from tui.cli.session import (
    OK,
    STORE_DAMAGED,
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    table_lines,
)


@click.group()
def store() -> None:
    """Check the user database, copy it, or restore it."""


@store.command()
@json_option
@pass_session
@click.pass_context
def check(ctx: click.Context, session: Session, as_json: bool) -> None:
    """Look over the store and all files beside it; change nothing.

    Exit code 22 if something is wrong.
    """
    path = session.unread_workspace.path
    state, findings = check_store(path, key_path())
    code = STORE_DAMAGED if findings else OK
    if as_json:
        print_json(
            {
                "status": "damaged" if findings else "ok",
                "exit_code": code,
                "store": _state_record(state),
                "findings": [
                    {"path": str(found.path), "problem": found.problem} for found in findings
                ],
                "error": None,
            }
        )
    else:
        for found in findings:
            click.echo(f"! {printable(found.path)}\n  {printable(found.problem)}")
        if not findings:
            what = _described(state) if state and state.store_id else "there is none yet"
            click.echo(f"The store {printable(path)} and the files beside it are whole: {what}.")
    ctx.exit(code)


@store.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_session
def backup(session: Session, file: Path, as_json: bool) -> None:
    """Write a checked copy of the store to the new FILE.

    Only its owner can read it. It holds users, settings and the list of runs; not the runs'
    details, the key or any mail. Earlier states are kept beside the store anyway; this copy is for
    another disk.
    """
    state = restoring.save_copy(session.workspace.path, file.absolute())
    if as_json:
        print_json({"file": str(file.absolute()), "store": _state_record(state)})
    click.echo(f"Copied to {printable(file)}: {_described(state)}.", err=True)


@store.command()
@click.argument("name", metavar="[BACKUP]", required=False)
@click.option("--list", "only_list", is_flag=True, help="List the backups; restore nothing.")
@click.option("--yes", is_flag=True, help="Restore without asking.")
@json_option
@pass_session
def restore(session: Session, name: str | None, only_list: bool, yes: bool, as_json: bool) -> None:
    """Return to BACKUP; say first what would be lost.

    By default that is the newest which is whole. BACKUP is a name from the list, or the path of a
    copy. The file of now is set aside.
    """
    path = session.workspace.path
    backups = restoring.read_backups(path)
    if only_list:
        if as_json:
            return print_json([_backup_record(found) for found in backups])
        rows = [_columns(found) for found in backups]
        for line in table_lines(rows) if rows else ["There is no backup yet."]:
            click.echo(line)
        return None
    chosen, state = _chosen(path, backups, name)
    lost = restoring.loss(path, state)
    if not as_json:
        for line in [f"Backup {chosen.name}: {_described(state)}.", *_loss_lines(lost)]:
            click.echo(printable(line))
    if not yes:
        confirm(f"Return to {printable(chosen.name)}?")
    aside = restoring.restore(path, chosen)
    if as_json:
        set_aside = str(aside) if aside else None
        print_json({"backup": str(chosen), "set_aside": set_aside, "lost": asdict(lost)})
    kept = f" The file that was there is {printable(aside)}." if aside else ""
    click.echo(f"The store is as in the backup {printable(chosen.name)}.{kept}", err=True)
    return None


def _chosen(store: Path, backups: Sequence[Backup], name: str | None) -> tuple[Path, Snapshot]:
    """Return the backup of that name, or the newest whole one; raises `StoreDamaged`."""
    if name is None:
        for found in backups:
            if found.state is not None:
                return found.path, found.state
        raise StoreDamaged(
            f"There is no usable backup in {printable(backup_folder(store))}. Nothing was changed. "
            "Give the path of a copy that was kept elsewhere."
        )
    beside = backup_folder(store) / name
    path = beside if beside.exists() else Path(name).absolute()
    if not path.exists():
        raise InvalidValue(
            f"There is no backup “{printable(name, 80)}”. Nothing was changed. "
            "`mailroster store restore --list` shows all."
        )
    return path, restoring.read_whole(path)


def _loss_lines(lost: Loss) -> Iterator[str]:
    if lost.problem:
        yield f"What the backup lacks is not known. {lost.problem}"
        return
    for name in lost.go:
        yield f"- {name}  (was added since)"
    for name in lost.come_back:
        yield f"+ {name}  (was deleted since)"
    for name, fields in lost.become:
        yield f"~ {name}  (becomes what it was: {', '.join(fields)})"
    for name in lost.settings:
        yield f"~ setting {name}  (becomes what it was)"
    for run in lost.runs:
        yield f"- run {run}  (the history will not list it)"
    if lost == Loss():
        yield "The store holds the same."


def _described(state: Snapshot) -> str:
    return (
        f"generation {state.generation}, {len(state.users)} users, "
        f"{len(state.history.runs)} runs in the history"
    )


def _state_record(state: Snapshot | None) -> dict[str, Any] | None:
    if state is None or not state.store_id:
        return None
    runs = len(state.history.runs)
    return {"generation": state.generation, "users": len(state.users), "runs": runs}


def _backup_record(found: Backup) -> dict[str, Any]:
    return {
        "name": found.path.name,
        "store": _state_record(found.state),
        "problem": found.problem or None,
    }


def _columns(found: Backup) -> tuple[str, str]:
    return found.path.name, _described(found.state) if found.state else found.problem
