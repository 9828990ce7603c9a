"""A study from Python: run it, then look at any part of it as a pandas table.

Run it from anywhere: ``python examples/research.py``. Prices and signals are simulated;
pass ``prices="FOLDER", signals="FOLDER"`` for your own.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import engine

THESIS = Path(__file__).with_name("open_weights.toml")


def main() -> None:
    result = engine.run(THESIS, start="2024-10-01", end="2025-10-31")
    pd.set_option("display.width", 120, "display.max_columns", 12)
    print(*result.caveats, sep="\n")

    print("\nNet asset value", result.backtest.nav.tail(), sep="\n")

    claims = result.claims.table.set_index("claim")
    columns = ["sample", "estimate", "low", "high", "q", "verdict"]
    measured = claims[claims["estimate"].notna()]
    print("\nClaims that could be measured", measured[columns].round(3), sep="\n")

    events = result.events.table
    layers = events[(events["kind"] == "layer") & (events["window"] == (0, 1))]
    ranked = layers.set_index(["event", "subject"]).sort_values("car")
    columns = ["return", "car", "se", "p", "detectable"]
    print("\nWorst and best two-day reactions")
    print(pd.concat([ranked.head(3), ranked.tail(3)])[columns].round(3))


if __name__ == "__main__":
    main()
