"""`mailroster store`: check that everything is whole, copy it, return to a backup."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from store.copying import copy_store
from store.errors import ArchiveNotMounted, NotFound, StoreDamaged
from store.files.archive_mark import MARK
from store.interface import Snapshot
from store.locations import archive_root, key_place
from store.models import Settings
from store.text import printable, quantity
from store.upkeep import Backup, Content, Finding, Loss, Upkeep
from sync.runs import folders
from sync.runs.change_lock import change_lock
from sync.runs.restore import restore_backup
from sync.workspace import Workspace, open_workspace
from tui.cli.exit_codes import ARCHIVE_NOT_MOUNTED, OK, STORE_DAMAGED
from tui.cli.session import Session, confirm, json_option, pass_session, print_json, table_lines


@click.group()
def store() -> None:
    """Check the user database, copy it, or restore it."""


@store.command()
@click.option(
    "--take-archive",
    is_flag=True,
    help="Mark the archive's root as this store's, after you checked that it is mounted.",
)
@json_option
@pass_session
@click.pass_context
def check(ctx: click.Context, session: Session, take_archive: bool, as_json: bool) -> None:
    """Check the store and all files beside it.

    It also moves and removes the archive folders that wait for it, where it can, and changes
    nothing else. Exit code 22 if something is wrong, 23 if it is only that the archive is not
    mounted.
    """
    if take_archive:
        root = folders.take_archive(session.workspace)
        click.echo(f"Marked the archive {printable(root)} as this store's.", err=True)
    workspace = session.unread_workspace
    folders.try_folder_work(workspace)
    workspace.close()  # as it is read again, with every backup
    state, findings = workspace.upkeep.check(key_place(workspace.host_path).path)
    code = _code_of(findings)
    if as_json:
        print_json(
            {
                "status": "damaged" if findings else "ok",
                "exit_code": code,
                "store": _record_of(state),
                "findings": [found._asdict() | {"path": str(found.path)} for found in findings],
                "error": None,
            }
        )
    else:
        for found in findings:
            click.echo(f"! {printable(found.path)}\n  {printable(found.problem)}")
        if not findings:
            where = workspace.store.where
            is_whole = "and the files beside it are" if workspace.upkeep.keeps_backups else "is"
            click.echo(
                f"The store {where} {is_whole} whole: {_described(Content.of(state))}."
                if state and state.store_id
                else f"The store {where} does not exist yet."
            )
    ctx.exit(code)


def _code_of(findings: Collection[Finding]) -> int:
    kinds = {found.error and found.error["kind"] for found in findings}
    if kinds == {ArchiveNotMounted.kind}:
        return ARCHIVE_NOT_MOUNTED
    return STORE_DAMAGED if findings else OK


@store.command()
@click.option(
    "--sql", is_flag=True, help="Print the SQL for the database's administrator; create nothing."
)
@click.option(
    "--from",
    "first",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="With --sql: change tables of schema N, which a message names.",
)
@pass_session
def create(session: Session, sql: bool, first: int) -> None:
    """Create the tables of a store in PostgreSQL.

    The first use of the store does the same. A store in a file needs no tables.
    """
    workspace = session.unread_workspace
    if sql:
        return click.echo(workspace.upkeep.create_script(first), nl=False)
    made = workspace.upkeep.create()
    where = workspace.store.where
    return click.echo(f"Made {where} ready." if made else f"{where} is ready already.", err=True)


@store.command()
@click.argument("to")
@json_option
@pass_session
def copy(session: Session, to: str, as_json: bool) -> None:
    """Copy everything into the new store TO.

    TO is a file's path, or postgresql://... The copy holds users with their hashes, settings, the
    history with its records, failed log-ons, pins and waiting work on archive folders. mailroster
    reads the copy again and compares it. The copy has an id of its own, so the archive still
    belongs to the old store: mailroster prints the commands that give it to the copy.
    """
    workspace = session.workspace
    target = open_workspace(to, on_progress=workspace.on_progress)
    try:
        with change_lock(workspace):
            state = copy_store(workspace.upkeep, target.upkeep)
        where = target.store.where
    finally:
        target.close()
    commands = _to_hand_over_the_archive(workspace, target, state.settings)
    if as_json:
        print_json({"to": to, "store": _record_of(state), "archive_commands": commands})
    click.echo(f"Copied to {where}, and compared: {_described(Content.of(state))}.", err=True)
    if commands:
        told = (
            "The archive still belongs to the old store. Once you use the copy in its place, run:"
        )
        click.echo("\n  ".join((told, *commands)), err=True)


def _to_hand_over_the_archive(old: Workspace, new: Workspace, settings: Settings) -> list[str]:
    """Return the commands that make the old store's archive on this host the copy's."""
    root, its_own = (archive_root(settings.archive_root, each.host_path) for each in (old, new))
    if root is None or not root.is_dir():
        return []
    take = ["store", "check", "--take-archive"]
    if root != its_own:
        take = ["settings", "set", f"archive_root={root}"]
    commands = [["mailroster", "--store", new.store_argument, *take]]
    if (root / MARK).exists():
        commands.insert(0, ["rm", str(root / MARK)])
    return [printable(shlex.join(command), 1000) for command in commands]


@store.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_session
def backup(session: Session, file: Path, as_json: bool) -> None:
    """Write a checked copy of the store to the new FILE.

    Only the owner of FILE can read it. It holds users, settings and the list of runs, but not the
    runs' details, the key or any mail. mailroster keeps earlier states beside the store anyway;
    keep this copy on another disk.
    """
    state = session.workspace.upkeep.save_copy(file.absolute())
    if as_json:
        print_json({"file": str(file.absolute()), "store": _record_of(state)})
    click.echo(f"Copied to {printable(file)}: {_described(Content.of(state))}.", err=True)


@store.command()
@click.argument("name", metavar="[BACKUP]", required=False)
@click.option("--list", "only_list", is_flag=True, help="List the backups; restore nothing.")
@click.option("--yes", is_flag=True, help="Restore without asking.")
@json_option
@pass_session
def restore(session: Session, name: str | None, only_list: bool, yes: bool, as_json: bool) -> None:
    """Return to BACKUP; show first what would be lost.

    BACKUP is a name from --list, or the path of a copy; without it mailroster takes the newest
    backup that is whole. It sets the present file aside.
    """
    upkeep = session.unread_workspace.upkeep  # a state less in memory until it is written
    if only_list:
        backups = list(upkeep.backups())
        if as_json:
            return print_json([_backup_record(found) for found in backups])
        rows = [_columns(found) for found in backups]
        for line in table_lines(rows) if rows else [_without_backups(upkeep)]:
            click.echo(line)
        return None
    chosen, state = _chosen(upkeep, name)
    content, lost = Content.of(state), upkeep.loss(state)
    del state
    if not as_json:
        for line in [f"Backup {chosen.name}: {_described(content)}.", *_loss_lines(lost)]:
            click.echo(printable(line))
    if not yes:
        confirm(f"Return to {printable(chosen.name)}?")
    aside = restore_backup(session.workspace, chosen)
    if as_json:
        set_aside = str(aside) if aside else None
        print_json({"backup": str(chosen), "set_aside": set_aside, "lost": asdict(lost)})
    kept = f" The previous file is now {printable(aside)}." if aside else ""
    click.echo(f"Restored the store from the backup {printable(chosen.name)}.{kept}", err=True)
    return None


def _without_backups(upkeep: Upkeep) -> str:
    if upkeep.keeps_backups:
        return "No backup was made yet."
    return (
        "This store keeps no backups; its database's server does. `mailroster store restore FILE` "
        "takes a copy that `mailroster store backup` wrote."
    )


def _chosen(upkeep: Upkeep, name: str | None) -> tuple[Path, Snapshot]:
    """Return the backup of that name, or the newest whole one; raises `StoreDamaged`.

    One that cannot be read now may be whole, so an older one is not taken in its place.
    """
    if name is None:
        for found in upkeep.backups():
            if found.state is not None:
                return found.path, upkeep.read(found.path)
            if found.is_unreadable:
                raise StoreDamaged(
                    f"The backup {printable(found.path.name)} cannot be read, and older ones hold "
                    "less.",
                    "Make it readable, or name another backup; `mailroster store restore --list` "
                    "shows all.",
                )
            click.echo(f"Skipped the damaged backup {printable(found.path.name)}.", err=True)
        raise StoreDamaged(
            f"{upkeep.backups_are_in} holds no usable backup.",
            "Give the path of a copy that you keep elsewhere.",
        )
    path = upkeep.backup_named(name)
    if path is None:
        raise NotFound(
            f"The backup “{printable(name, 80)}” does not exist.",
            "`mailroster store restore --list` shows all.",
        )
    return path, upkeep.read(path)


def _loss_lines(lost: Loss) -> Iterator[str]:
    if lost.problem:
        yield f"mailroster cannot tell what the backup lacks. {lost.problem}"
        return
    for name in lost.go:
        yield f"- {name}  (was added since)"
    for name in lost.come_back:
        yield f"+ {name}  (was deleted since)"
    for name, fields in lost.become:
        yield f"~ {name}  (becomes what it was: {', '.join(fields)})"
    for name in lost.settings:
        yield f"~ setting {name}  (becomes what it was)"
    if lost == Loss():
        yield "The store and the backup hold the same."


def _described(content: Content) -> str:
    return (
        f"generation {content.generation}, {quantity(content.users, 'user')}, "
        f"{quantity(content.runs, 'run')} in the history"
    )


def _record_of(state: Snapshot | None) -> dict[str, Any] | None:
    return asdict(Content.of(state)) if state and state.store_id else None


def _backup_record(found: Backup) -> dict[str, Any]:
    return {
        "name": found.path.name,
        "store": asdict(found.state) if found.state else None,
        "problem": found.problem or None,
        "error": found.error,
    }


def _columns(found: Backup) -> tuple[str, str]:
    return found.path.name, _described(found.state) if found.state else found.problem
