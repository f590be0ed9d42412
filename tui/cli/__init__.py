"""The command line. Each command is imported only when it is called."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from tui.cli.exit_codes import OTHER_ERROR
from tui.cli.output import OutputFailed, escape_unencodable, give_up_output, is_of_output
from tui.cli.screens import low_bandwidth_option, readonly_option, run_screens
from tui.cli.session import Session, print_usage_error, report_failure
from tui.collector import do_without_collector
from tui.texts.problems import told

_COMMANDS = {
    "checkpassword": "tui.cli.checkpassword:checkpassword",
    "demo": "tui.cli.demo:demo",
    "directory-check": "tui.cli.directory_check:directory_check",
    "directory-server": "tui.cli.directory_server:directory_server",
    "dovecot-config": "tui.cli.dovecot_config:dovecot_config",
    "history": "tui.cli.history:history",
    "login": "tui.cli.login:login",
    "login-server": "tui.cli.login_server:login_server",
    "settings": "tui.cli.settings:settings",
    "status": "tui.cli.status:status",
    "store": "tui.cli.store:store",
    "sync": "tui.cli.sync:sync",
    "systemd-units": "tui.cli.systemd_units:systemd_units",
    "test": "tui.cli.sync:test",
    "users": "tui.cli.users:users",
}


_WORDS = "mailroster.words"  # of the command line


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if _wants_json(error, ctx.meta[_WORDS]):
                print_usage_error(error)
            raise
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told without its values
            ctx.exit(report_failure(ctx.obj, error))


def _wants_json(error: click.UsageError, words: list[str]) -> bool:
    """Tell whether the command knows `--json` and got it, even if its other words are wrong."""
    parameters = error.ctx.command.params if error.ctx else []
    return "--json" in words and any("--json" in parameter.opts for parameter in parameters)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow, and log-on goes through here

        click.echo(f"mailroster {version('mailroster')}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--store",
    metavar="PATH",
    help="The user database (default: $MAILROSTER_STORE, else users.json in "
    "~/.local/share/mailroster).",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@readonly_option
@low_bandwidth_option
@click.pass_context
def cli(ctx: click.Context, store: str | None, readonly: bool, low_bandwidth: bool) -> None:
    """Keep a mail archive's users in step with a company directory.

    Without a command, mailroster starts its screens.
    """
    ctx.obj = ctx.with_resource(Session(store))
    if ctx.invoked_subcommand is None:
        workspace = ctx.obj.unread_workspace
        ctx.exit(run_screens(workspace, readonly=readonly, low_bandwidth=low_bandwidth))
    if readonly or low_bandwidth:
        raise click.UsageError(
            "--readonly and --low-bandwidth are for the screens: `mailroster --readonly`, "
            "`mailroster demo --readonly`."
        )


def main() -> None:
    """Run the command line and exit with its code."""
    do_without_collector()
    escape_unencodable()
    try:
        cli(prog_name="mailroster")
    except OSError as error:  # of what is printed before or after a command, such as its help
        if not is_of_output(error):
            raise
        with suppress(OSError):
            click.echo(f"mailroster: {told(OutputFailed(error))}", err=True)
        give_up_output()
        sys.exit(OTHER_ERROR)
