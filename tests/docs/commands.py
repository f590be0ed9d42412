"""Which commands and options a document names, and which of them a line calls."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import click

from tui.cli import cli

_CODE = re.compile(r"`([^`]+)`")


def named_in_table_row(row: str) -> set[str]:
    """Return the commands and options of a row, such as `users add` and `sync --yes`.

    The first code names a command; other codes of the first cell are its subcommands and options,
    options of the second cell belong to it too.
    """
    first, second = row.strip("| ").split(" | ", 1)
    spans = _CODE.findall(first.replace(r"\|", "|"))
    words = shlex.split(spans[0])[1:]
    named = set(calls(words))
    group = words[:1]
    for span in spans[1:]:
        inner = shlex.split(span)
        named |= set(calls([*(group if inner[0] != words[0] else []), *inner]))
    command = words[: 2 if isinstance(_command(words[:1]), click.Group) else 1]
    for span in _CODE.findall(second):
        if span.startswith("--"):
            named |= set(calls([*command, *shlex.split(span)]))
        elif isinstance(_command(group), click.Group):
            named |= set(calls([*group, *shlex.split(span)]))
    return named


def calls(words: Sequence[str]) -> Iterator[str]:
    """Yield the command that `mailroster WORDS` calls, and each option with it.

    Fails for a command or an option that does not exist.
    """
    depth = 0
    if words and not words[0].startswith("-"):
        depth = 1
        if isinstance(_command(words[:1]), click.Group) and words[1:]:
            depth = 2
    path, command = " ".join(words[:depth]), _command(words[:depth])
    yield path
    options = {name for param in command.params for name in param.opts if name.startswith("--")}
    for word in words[depth:]:
        if word.startswith("--"):
            assert word in options, f"mailroster {path} has no option {word}"
            yield f"{path} {word}".strip()


def _command(path: Sequence[str]) -> click.Command:
    command: click.Command = cli
    context = click.Context(cli)
    for word in path:
        assert isinstance(command, click.Group), path
        inner = command.get_command(context, word)
        assert inner, f"there is no command mailroster {' '.join(path)}"
        command = inner
    return command
