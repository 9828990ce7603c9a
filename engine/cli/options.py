"""Options that several commands share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

DATE = click.DateTime(formats=["%Y-%m-%d"])
THESIS = click.argument("thesis", type=click.Path(path_type=Path))


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """What every command that runs a study takes."""

    prices: str
    signals: str | None
    start: dt.date | None
    end: dt.date | None
    as_of: dt.date | None
    capital: float | None
    seed: int | None
    relax: bool | None
    mix: bool
    offline: bool
    vintage: str | None
    register: str | None

    def as_keywords(self) -> dict[str, Any]:
        """Return the options as keywords of `engine.app.run` and its parts."""
        return {name: getattr(self, name) for name in StudyOptions.__dataclass_fields__}


def as_day(ctx: click.Context, param: click.Parameter, value: Any) -> dt.date | None:
    """Return a date option as a day."""
    return value.date() if isinstance(value, dt.datetime) else None


def study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a study, gathered into one `StudyOptions`."""

    @wraps(command)
    def gather(**keywords: Any) -> None:
        taken = {name: keywords.pop(name) for name in StudyOptions.__dataclass_fields__}
        command(options=StudyOptions(**taken), **keywords)

    for option in reversed(
        [
            click.option(
                "--prices",
                default="sample",
                show_default=True,
                metavar="sample|yahoo|store:NAME|FOLDER",
                help="Simulated sample world, Yahoo by way of the store, what was "
                "imported as NAME, or a folder of Yahoo files.",
            ),
            click.option(
                "--signals",
                default=None,
                metavar="sample|reference|store|FOLDER",
                help="Default: sample with sample prices, else reference.",
            ),
            click.option(
                "--start", type=DATE, callback=as_day, help="First day of the study."
            ),
            click.option("--end", type=DATE, callback=as_day, help="Last day."),
            click.option(
                "--as-of",
                type=DATE,
                callback=as_day,
                help="Only what was known and declared by this day.",
            ),
            click.option(
                "--offline",
                is_flag=True,
                help="Never touch the network: yahoo is what the store holds of it.",
            ),
            click.option(
                "--vintage",
                metavar="DATE|MOMENT",
                help="Only what the store held then (UTC); implies --offline.",
            ),
            click.option(
                "--register",
                metavar="FILE|none",
                help="What dates claims; default register.jsonl beside THESIS.",
            ),
            click.option("--capital", type=float, help="Starting capital."),
            click.option(
                "--relax",
                is_flag=True,
                default=None,
                help="Widen limits that collide by the least that helps, and say so.",
            ),
            click.option("--seed", type=int, help="Seed of the bootstrap."),
            click.option(
                "--mix",
                is_flag=True,
                help="Allow simulated signals with real prices; stamps everything.",
            ),
        ]
    ):
        gather = option(gather)
    return gather


FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How results are printed on stdout.",
)
