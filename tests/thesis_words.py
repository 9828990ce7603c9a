"""A small vocabulary for tests of the thesis file, with no catalogue behind it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ThesisError, UniverseError, UsageError
from engine.evidence.mechanisms import MECHANISMS
from engine.thesis.reader import Document, Vocabulary, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Momentum:
    """Return over the past sessions."""

    sessions: int = 126
    skip: int = 21

    def __post_init__(self) -> None:
        if self.sessions <= self.skip:
            raise UsageError(
                f"sessions = {self.sessions} must be more than skip = {self.skip}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    """Standard deviation of returns."""

    sessions: int = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareMomentum:
    """Change of the token share over some weeks."""

    weeks: int = 8
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CapexGrowth:
    """Growth of capital expenditure, year on year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One layer against another, after an event."""

    event: str
    long: str
    short: str
    window: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The sign of a layer's return, after one event or several."""

    layer: str
    window: tuple[int, int]
    event: str | None = None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One layer or leg minus another."""

    long: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharpe:
    """One path minus another."""

    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A role, and the line that it must hold."""

    role: str
    above: float | None = None
    below: float | None = None
    entity: str | None = None
    by: dt.date | None = None

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either 'above' or 'below'")


WORDS = Vocabulary(
    layers=("compute", "memory", "cloud", "application", "labs"),
    tickers=frozenset({"NVDA", "000660.KS", "688256.SS", "688256.SH", "SPY", "SMH"}),
    benchmarks=frozenset({"SPY", "SMH"}),
    entities=frozenset({"nvidia", "sk_hynix", "cambricon", "deepseek"}),
    asset_factors={"price_momentum": Momentum, "volatility": Volatility},
    state_factors={"token_share_momentum": ShareMomentum, "capex_growth": CapexGrowth},
    claim_tests={
        "event_contrast": Contrast,
        "event_sign": Signs,
        "layer_spread": Spread,
        "sharpe_difference": Sharpe,
        "signal_threshold": Threshold,
    },
    calendars=("XNYS", "XHKG", "XSHG", "XKRX"),
    currencies=("USD", "HKD", "CNY", "KRW"),
    roles=("token_share", "vendor_share", "tokens", "capex"),
    mechanisms={name: kind.inputs for name, kind in MECHANISMS.items()},
    mics=("XNYS", "XNAS", "XHKG", "XSHG", "XKRX"),
    countries=("US", "HK", "CN", "KR"),
    line_currencies=("USD", "HKD", "CNY", "KRW"),
    aliases={"688256.SH": "688256.SS"},
    fee_items=("stamp duty", "SEC Section 31 fee"),
)


def words(universe: str) -> Vocabulary:
    """Return the vocabulary of the only universe there is."""
    if universe != "ai-stack":
        raise UniverseError(f"unknown universe {universe!r}; packaged are ai-stack")
    return WORDS


def thesis(text: str, path: str = "thesis.toml") -> Document:
    """Return the thesis of a text."""
    return parse(text, path=path, vocabulary=words)


def problems(text: str) -> list[str]:
    """Return every problem of a text as its user reads it, without the file's name."""
    try:
        thesis(text)
    except ThesisError as error:
        return [str(one).removeprefix("thesis.toml:") for one in error.problems]
    return []


def read_words(path: Path) -> Document:
    """Return the thesis of a file."""
    return thesis(path.read_text(encoding="utf-8"), str(path))


#: A thesis that uses every table; tests break it line by line.
GOOD = """\
[thesis]
id = "ends"
title = "Hold both ends"
declared = 2026-07-06
currency = "USD"
calendar = "XNYS"
start = 2023-01-03
end = 2026-06-30
benchmarks = ["SPY", "SMH"]

[universe]
lines = "primary"
exclude = ["688256.SH", "sk_hynix"]

[signals]
token_share = "cn_token_share"

[[factors]]
name = "token_share_momentum"
weight = 0.3
params = { weeks = 8 }
exposure = { cloud = 1.0, labs = -1.0 }

[[factors]]
name = "price_momentum"
weight = 0.2

[scoring]
half_life = "90d"

[barbell.infrastructure]
layers = ["compute", "memory"]
weight = [0.40, 0.60]

[barbell.distribution]
layers = [
    "cloud",
    "application",
]
weight = [0.40, 0.60]

[barbell.middle]
layers = ["labs"]
weight = [0.00, 0.05]

[portfolio]
objective = "mean_variance"
max_weight = 0.10
layers = { memory = [0.05, 0.30] }

[execution]
capital = 10_000_000

[[events]]
id = "selloff"
title = "The selloff"
at = 2025-01-27
expected.reaction = { compute = "-" }
expected.drift = { compute = "+", labs = "-" }
estimation = [-260, -11]
windows = [[0, 0], [2, 120]]
contrasts = [["compute", "labs"]]

[[events]]
id = "release"
title = "The release"
at = 2025-01-20T13:00:00Z

[[claims]]
id = "right-layer"
says = "Compute recovers against the labs."
test = "event_contrast"
scope = "event"
event = "selloff"
long = "compute"
short = "labs"
window = [2, 120]
min_effect = 0.05

[[claims]]
id = "ends-win"
says = "The barbell beats its first leg."
test = "sharpe_difference"
a = "barbell"
b = "infrastructure alone"

[[claims]]
id = "share"
says = "The token share passes half."
test = "signal_threshold"
role = "token_share"
above = 0.5
by = 2026-12-31
"""
