"""`mailroster demo`: the screens on a throwaway store and a built-in directory server."""

from __future__ import annotations

import click

from tui.cli.screens import low_bandwidth_option, readonly_option, run_screens


@click.command()
@readonly_option
@low_bandwidth_option
@click.pass_context
def demo(ctx: click.Context, readonly: bool, low_bandwidth: bool) -> None:
    """Try the screens on a throwaway store. It has a directory server built in."""
    from sync.demo import Demo

    with Demo.open() as opened:
        ctx.exit(
            run_screens(
                opened.workspace,
                readonly=readonly,
                low_bandwidth=low_bandwidth,
                administrator=opened.administrator,
                demo=opened,
            )
        )
