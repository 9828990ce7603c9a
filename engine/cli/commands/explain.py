"""``assay explain``: one asset of a run, from observations to profit."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import DATE, FORMAT, as_day
from engine.cli.output import emit, note, steps

if TYPE_CHECKING:
    from engine.explanation import Explanation

#: Table -> its title on a terminal, in the order of the chain.
TITLES = {
    "observations": "Observations, the newest of each",
    "prices": "Prices",
    "contributions": "Factors",
    "expectation": "Score and expected return",
    "limits": "Limits that bound",
    "balance": "What balances at the target",
    "weights": "Weight",
    "trades": "Trades",
    "costs": "Costs by kind",
    "profit": "Profit",
}
#: What a terminal shows of a wide table.
SHOWN = {
    "observations": (
        "role",
        "entity",
        "value_date",
        "known_at",
        "value",
        "unit",
        "source",
    ),
    "contributions": ("factor", "weight", "contribution", "part", "reading", "absent"),
    "trades": ("session", "side", "units", "price", "currency", "value", "waited"),
}


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("asset")
@click.argument("day", metavar="DATE", type=DATE, callback=as_day)
@FORMAT
def explain(folder: Path, asset: str, day: dt.date, form: str) -> None:
    """Explain the weight of ASSET in RUN at its last decision up to DATE.

    From observations by way of factors, score, expected return and limits to target,
    trades, costs and profit. Csv is one long table; csv and json have all observations.
    """
    from engine import explain as chains
    from engine.reopen import rerun

    with steps() as progress:
        result = rerun(folder, progress=progress).result
        progress("explaining")
        found = chains.explain(result, asset, day)
    if form == "csv":
        emit(found.chain(), form, simulated=found.simulated)
    elif form == "json":
        _print_json(found)
    else:
        _print_tables(found)


def _print_json(found: Explanation) -> None:
    from engine.market.market import STAMP
    from engine.runs.archive import to_json

    whole = {
        "asset": found.asset,
        "name": found.name,
        "decided": found.decided,
        "moment_utc": found.moment,
        "until": found.until,
        "currency": found.base,
        "sentences": found.sentences,
    }
    tables = {name: one.to_dict("records") for name, one in found.tables().items()}
    stamp = {"stamp": STAMP} if found.simulated else {}
    click.echo(to_json(whole | tables | stamp))


def _print_tables(found: Explanation) -> None:
    for sentence in found.sentences:
        click.echo(sentence)
    for name, table in found.tables().items():
        shown = table
        if name == "observations":
            shown = table[table["newest"].astype(bool)]
        columns = SHOWN.get(name, ())
        emit(
            shown,
            "table",
            title=TITLES[name],
            simulated=found.simulated,
            columns=columns,
        )
    note(f"all {len(found.observations)} observations with --format csv or json")
