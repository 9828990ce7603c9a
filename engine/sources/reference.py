"""The documents' own figures as observations: thin, dated, and never interpolated."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from engine.errors import at_most
from engine.interfaces import SignalData
from engine.market.listing import Universe
from engine.market.market import Finding, Origin
from engine.market.signals import COLUMNS, Signals

_FILE = Path(__file__).with_name("reference.csv")
#: Observations that a state factor needs before it speaks (METHODS: scoring).
FEWEST = 8

#: The series that answers to each role. `dollar_share` is left open on purpose: the
#: only dollar share is of Vercel, while `vendor_share` is of OpenRouter.
ROLES: Mapping[str, str] = MappingProxyType(
    {
        "token_share": "cn_open_token_share_openrouter",
        "vendor_share": "vendor_token_share_openrouter",
        "tokens": "tokens_per_week_openrouter",
        "capex": "capex_year",
        "price_per_mtok": "price_input_per_mtok",
    }
)

_ALWAYS = (
    Finding(
        severity="warning",
        where="reference signals: dollar_share",
        what="the documents' only dollar share is of Vercel and their vendor shares "
        "are of OpenRouter: no series answers to dollar_share, so that the two are "
        "not subtracted from each other",
        action="for Vercel alone, set vendor_share = 'token_share_vercel' and "
        "dollar_share = 'dollar_share_vercel' under [signals]",
    ),
    Finding(
        severity="warning",
        where="reference signals: vendor_share",
        what="the vendor shares of document 004 come from different weeks: they are "
        "no table of one day",
    ),
    Finding(
        severity="warning",
        where="reference signals",
        what="documents 000 to 003 repeat one study of one router, whose co-author "
        "is said to hold shares of it: one observation, not four",
    ),
    Finding(
        severity="info",
        where="reference signals",
        what="left out: document 003's 13 % of the open-source market (a misreading "
        "of the study's average token share), market values and returns (prices say "
        "them better), sums of valuations of different dates, price ratios (they "
        "follow from prices), training costs (not comparable)",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSignals:
    """The figures of the five documents, each known from the day it could be read.

    Shares and growth are fractions, amounts are in whole units of their currency.
    Forecasts, targets, bounds and disputed figures keep their quality: `Signals.read`
    does not take them for observations.
    """

    def load(self, universe: Universe) -> SignalData:
        """Return every observation, and findings that say how thin they are."""
        content = _FILE.read_bytes()
        frame = _observations(content)
        signals = Signals(observations=frame, roles=dict(ROLES))
        return SignalData(
            signals=signals,
            origin=Origin(
                name="reference",
                simulated=False,
                digest=hashlib.sha256(content).hexdigest(),
                detail="figures of the five documents",
            ),
            findings=(
                _overview(frame),
                *(_thinness(signals, role) for role in ROLES),
                *_ALWAYS,
                *_strangers(frame, universe),
            ),
        )


def _observations(content: bytes) -> pd.DataFrame:
    """Return the file's observations in the order in which they became known."""
    frame = pd.read_csv(
        io.BytesIO(content),
        usecols=list(COLUMNS),
        dtype={name: "str" for name in COLUMNS if name != "value"} | {"value": float},
        keep_default_na=False,
    )
    for column in ("value_date", "known_at"):
        frame[column] = pd.to_datetime(frame[column], format="%Y-%m-%d").astype(
            "datetime64[ns]"
        )
    ordered = frame.sort_values(["known_at", "value_date"], kind="stable")
    return ordered[list(COLUMNS)].reset_index(drop=True)


def _overview(frame: pd.DataFrame) -> Finding:
    last = frame["known_at"].max()
    late = int((frame["known_at"] == last).sum())
    return Finding(
        severity="warning",
        where="reference signals",
        what=f"{len(frame)} figures in {frame['series'].nunique()} series; {late} of "
        f"them became known on {last.date()}, with document 004, and no decision "
        "before that day can use them",
        action="collect a longer series and give its folder with --signals",
        first=str(frame["known_at"].min().date()),
        last=str(last.date()),
    )


def _thinness(signals: Signals, role: str) -> Finding:
    """Return how many observations answer to a role, and which do not count."""
    every = signals.observations
    series = every[every["series"] == signals.roles[role]]
    counted = len(signals.read(role))
    other = series.loc[series["quality"] != "observed", "quality"].value_counts()
    besides = ", ".join(f"{count} {quality}" for quality, count in other.items())
    return Finding(
        severity="warning",
        where=f"reference signals: {role}",
        what=f"{counted} observation{'' if counted == 1 else 's'} of "
        f"{signals.roles[role]}"
        + (f" (and {besides}, which are no observations)" if besides else "")
        + f"; a factor needs {FEWEST} of one definition, so it stays absent",
        first=str(series["value_date"].min().date()),
        last=str(series["value_date"].max().date()),
    )


def _strangers(frame: pd.DataFrame, universe: Universe) -> tuple[Finding, ...]:
    """Return a finding if the figures speak of entities the universe does not have."""
    unknown = sorted(set(frame["entity"]) - set(universe.entities))
    if not unknown:
        return ()
    return (
        Finding(
            severity="info",
            where="reference signals",
            what=f"figures of {len(unknown)} entities that {universe.name} does not "
            f"have: {at_most(unknown)}",
        ),
    )
