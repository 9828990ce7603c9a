"""Exchange rates, each with the moment it became known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import CurrencyError, at_most


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

        Shape (n,) for moments of shape (n,), UTC; NaN before the first fix. Raises
        `CurrencyError` for a currency without rates: a missing rate is never 1.
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
        rate[seen] = 1.0 / known.per_usd[last[seen]]
        return rate

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
