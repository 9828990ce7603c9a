"""Exchange rates, each with the moment it became known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import CurrencyError, at_most

#: Days for which a rate counts: longer than any run of holidays without a fix.
RATE_DAYS = 14
_COUNTS = np.timedelta64(RATE_DAYS, "D")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fixings:
    """One currency against the US dollar.

    `fixed_utc` (``datetime64[ns]``, shape (F,), increasing) is when each value of
    `per_usd` (units of the currency per dollar, shape (F,)) was published.
    """

    currency: str
    fixed_utc: np.ndarray
    per_usd: np.ndarray
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Currencies:
    """All rates of a study; the dollar needs none."""

    fixings: Mapping[str, Fixings]

    def dollars_per_unit(self, currency: str, moments: np.ndarray) -> np.ndarray:
        """Return dollars per unit of `currency` by the last fix known at `moments`.

        Shape (n,) for moments of shape (n,), UTC; NaN before the first fix, and where
        the last one is more than `RATE_DAYS` days old. Raises `CurrencyError` for a
        currency without rates: a missing rate is never 1.
        """
        if currency == "USD":
            return np.ones(len(moments))
        known = self.fixings.get(currency)
        if known is None:
            raise CurrencyError(
                f"no exchange rate for {currency}; known are "
                f"{at_most(['USD', *sorted(self.fixings)])}. Add a file {currency}=X "
                "(local currency per USD)"
            )
        last = np.searchsorted(known.fixed_utc, moments, side="right") - 1
        rate = np.full(len(moments), np.nan)
        seen = last >= 0
        seen[seen] = moments[seen] - known.fixed_utc[last[seen]] <= _COUNTS
        rate[seen] = 1.0 / known.per_usd[last[seen]]
        return rate

    def why_unknown(self, currency: str, base: str, moment: np.datetime64) -> str:
        """Return why no rate of `currency` per `base` counts then, and what to do."""
        for name in (currency, base):
            known = self.fixings.get(name)
            if known is None or len(known.fixed_utc) == 0:
                continue
            place = int(np.searchsorted(known.fixed_utc, moment, side="right")) - 1
            if place < 0:
                first = known.fixed_utc[0].astype("datetime64[D]")
                return f"rates of {name} begin on {first}; complete {name}=X"
            if moment - known.fixed_utc[place] > _COUNTS:
                last = known.fixed_utc[place].astype("datetime64[D]")
                return (
                    f"the last rate of {name} is of {last}, and a rate counts for "
                    f"{RATE_DAYS} days. Complete {name}=X, end the study before, or "
                    f"exclude the lines in {currency}"
                )
        return "complete the exchange rates"

    def rates(
        self, currencies: list[str], base: str, moments: np.ndarray
    ) -> pd.DataFrame:
        """Return units of `base` per unit of each currency, shape (moments, C).

        The row labels are 0..n-1; callers put their own sessions on top.
        """
        own = self.dollars_per_unit(base, moments)
        columns = {}
        for currency in currencies:
            if currency == base:
                columns[currency] = np.ones(len(moments))
            else:
                columns[currency] = self.dollars_per_unit(currency, moments) / own
        return pd.DataFrame(columns)
