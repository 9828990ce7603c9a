"""The peer's job: read returns and a benchmark, write quantstats' HTML report.

Runs in an environment of its own (see ``benchmarks/run.py``), cold.
"""

from __future__ import annotations

import sys

import matplotlib as mpl

mpl.use("Agg")

import pandas as pd
import quantstats as qs


def main(source: str, target: str) -> None:
    """Write the report of the first column of `source` against the second."""
    returns = pd.read_csv(source, index_col=0, parse_dates=True)
    qs.reports.html(
        returns.iloc[:, 0], benchmark=returns.iloc[:, 1], output=target, title="peer"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
