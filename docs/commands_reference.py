"""Writes the man page and the shells' completion from the commands: run it as a module.

`python -m docs.commands_reference` writes docs/man/mailroster.1 and docs/completion/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from tui.cli import cli
from tui.cli.exit_codes import MEANINGS

NAME = "mailroster"
DOCS = Path(__file__).parent
COMPLETION = {
    "mailroster.bash": BashComplete,
    "_mailroster": ZshComplete,
    "mailroster.fish": FishComplete,
}
ENVIRONMENT = {
    "MAILROSTER_STORE": "The user database, unless --store names one.",
    "MAILROSTER_ARCHIVE_ROOT": "This host's root of the archive; none if it has no archive.",
    "XDG_DATA_HOME": "Otherwise it is mailroster/users.json in this folder, or in ~/.local/share.",
    "XDG_CONFIG_HOME": "secret.key and tui.toml are in mailroster/ there, or in ~/.config.",
    "NO_COLOR": "If it is set, the screens send no colours at all.",
}


def man_page() -> str:
    """Return the man page, in the macros of man(7)."""
    context = click.Context(cli, info_name=NAME)
    parts = [
        f'.TH {NAME.upper()} 1 "" "{NAME}" "User Commands"',
        ".ad l",
        ".SH NAME",
        rf"{NAME} \- keep a mail archive's users in step with a company directory",
        ".SH SYNOPSIS",
        f".B {NAME}",
        _text(" ".join(cli.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs(cli.help or ""),
        ".SH OPTIONS",
        *_options(context),
        ".SH COMMANDS",
        *_commands(context),
        ".SH EXIT STATUS",
        *(line for code, text in MEANINGS.items() for line in (".TP", f".B {code}", _text(text))),
        ".SH ENVIRONMENT",
        *(
            line
            for name, text in ENVIRONMENT.items()
            for line in (".TP", f".B {name}", _text(text))
        ),
    ]
    return "\n".join(parts) + "\n"


def completion(shell: type[ShellComplete]) -> str:
    """Return what the shell is to read; it asks `mailroster` itself with each Tab."""
    return shell(cli, {}, NAME, f"_{NAME.upper()}_COMPLETE").source()


def _commands(context: click.Context) -> Iterator[str]:
    group = context.command
    assert isinstance(group, click.Group)  # noqa: S101 - for the type checker
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, parent=context, info_name=name)
        usage = " ".join([inner.command_path, *command.collect_usage_pieces(inner)])
        yield f'.SS "{_text(usage)}"'
        yield from _paragraphs(command.help or "")
        yield from _options(inner)
        if isinstance(command, click.Group):
            yield from _commands(inner)


def _options(context: click.Context) -> Iterator[str]:
    for parameter in context.command.params:
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record:
            yield from (".TP", f".B {_text(record[0])}", _text(record[1]))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Return text as man(7) takes it: what has a meaning there is escaped."""
    escaped = text.replace("\\", r"\(rs").replace("-", r"\-").replace('"', r"\(dq")
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped


def main() -> None:
    """Write all files."""
    files = {DOCS / "man" / f"{NAME}.1": man_page()}
    files |= {DOCS / "completion" / name: completion(shell) for name, shell in COMPLETION.items()}
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
