"""The command ``assay``: parse, one library call, print.

Commands are imported when they are used, so that ``assay --help`` loads neither pandas
nor numpy.
"""

from __future__ import annotations

import importlib
import sys

import click

from engine.errors import AssayError

#: name -> (module, one line). The line stands in ``assay --help``.
COMMANDS = {
    "run": ("run", "Test a thesis: run folder, report.html and report.pdf."),
    "check": ("thesis", "Read a thesis file and list everything wrong with it."),
    "init": ("thesis", "Write a commented starting thesis that runs as it is."),
    "schema": ("thesis", "Print the JSON Schema of the thesis file."),
    "universe": ("catalogue", "Show a universe: entities, lines, layers, legs."),
    "factors": ("catalogue", "Show the factors a thesis can name."),
    "tests": ("catalogue", "Show the claim tests a thesis can name."),
    "score": ("parts", "Score the assets, per factor and per layer."),
    "backtest": ("parts", "Backtest the barbell, or about one event."),
    "events": ("parts", "Study the events: abnormal returns, tests."),
    "claims": ("parts", "Test the claims: verdicts and the thesis score."),
    "report": ("archive", "Write the reports of an archived run again."),
    "verify": ("archive", "Check a run folder's hashes and re-derive its numbers."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported at first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"engine.cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of this name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from engine.errors import nearest

            hint = nearest(args[0], COMMANDS)
            raise click.UsageError(f"no command {args[0]!r}. {hint}".strip(), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="assay", prog_name="assay")
def cli() -> None:
    """Put an investment thesis to the test.

    Start with `assay init my-thesis`, then `assay run my-thesis.toml`.
    """


def main() -> None:
    """Run the command line: 0 done, 1 a named error, 2 wrong usage."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("stopped; nothing was left half-written", err=True)
        sys.exit(130)
    except KeyboardInterrupt:
        click.echo("stopped; nothing was left half-written", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AssayError as error:
        click.echo(f"assay: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
