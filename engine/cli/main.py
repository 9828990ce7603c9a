"""The command ``assay``: parse, one library call, print.

Commands are imported when they are used, so that ``assay --help`` loads neither pandas
nor numpy.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from engine.errors import AssayError

if TYPE_CHECKING:
    from types import FrameType

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
    "stress": ("parts", "Stress the mechanisms: layer scores if one fails."),
    "backtest": ("parts", "Backtest the barbell, or about one event."),
    "events": ("parts", "Study the events: abnormal returns, tests."),
    "claims": ("parts", "Test the claims: verdicts and the thesis score."),
    "register": ("register", "Register a thesis: hash-chained proof of its date."),
    "diary": ("diary", "Replay a thesis through time: verdicts, score, portfolio."),
    "data": ("data", "Fetch, import, check and count what is kept here."),
    "explain": ("explain", "Explain a weight: from observations to profit."),
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
    """Run the command line: 0 done, 1 a named error, 2 wrong usage.

    A signal that asks to stop ends it with 128 and the signal's number, after what is
    unfinished has been removed.
    """
    _stop_on_signals()
    # one command and out: looking for cycles often costs a twenty-fifth of a run
    gc.set_threshold(200_000, 50, 50)
    try:
        code = cli.main(standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        if isinstance(code, int) and code:  # click returns what `Exit` carries
            sys.exit(code)
    except (KeyboardInterrupt, click.Abort) as error:
        _say("stopped; nothing was left half-written")
        # click turns what interrupts a command into its Abort
        signalled = [
            one for one in (error, error.__cause__) if isinstance(one, _Stopped)
        ]
        sys.exit(signalled[0].code if signalled else 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AssayError as error:
        _say(f"assay: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        _leave_stdout()
        if error.errno != errno.EPIPE:
            where = f"{error.filename}: " if error.filename else "the output: "
            _say(f"assay: {where}cannot be written or read ({error.strerror})")
        sys.exit(1)


class _Stopped(KeyboardInterrupt):
    """A signal other than Ctrl-C asked to stop."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def _stop_on_signals() -> None:
    """Let what ends a process from outside unwind it as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Stopped(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # a signal that the caller ignores (nohup) stays ignored
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, stop)


def _say(text: str) -> None:
    """Print a line on stderr, if anyone still listens."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def _leave_stdout() -> None:
    """Give up what is unwritten, so that Python does not try again at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
