"""`mailroster demo`: the screens on a throwaway store and a built-in directory server."""

from __future__ import annotations

import click


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Try the screens on a throwaway store and a built-in directory server."""
    from sync.demo import Demo
    from tui.app import run_app

    with Demo.open() as opened:
        ctx.exit(run_app(opened.workspace, administrator=opened.administrator, demo=opened))
