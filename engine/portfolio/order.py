"""The order of assets in which a problem is solved, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: derived values are cached
class Order:
    """Assets as they were given, and sorted: the order of `names`.

    Reindexing a series by strings takes half a millisecond, and a decision has ten of
    them; nearly all come in the order of `symbols`, where a permutation is enough.
    """

    symbols: Sequence[str]
    names: pd.Index

    @classmethod
    def alike(cls, symbols: Sequence[str]) -> Order:
        """Return the order that leaves assets as they are."""
        return cls(symbols=list(symbols), names=pd.Index(symbols))

    @cached_property
    def places(self) -> np.ndarray:
        """Where each of `names` stands in `symbols`, (N,)."""
        place = {symbol: n for n, symbol in enumerate(self.symbols)}
        return np.array([place[name] for name in self.names.tolist()], dtype=np.int64)

    def of(self, series: pd.Series) -> np.ndarray:
        """Return a series in the order of `names`, float64, NaN for what it lacks."""
        if series.index.tolist() == list(self.symbols):
            return np.asarray(series.to_numpy(dtype=np.float64)[self.places])
        return series.reindex(self.names).to_numpy(dtype=np.float64)

    def back(self, weights: np.ndarray, *, like: pd.Series) -> pd.Series:
        """Return weights in the order of `names` as a series over `symbols`.

        It has the index of `like` where that is the same: an index is slow to make.
        """
        same = like.index.tolist() == list(self.symbols)
        out = np.empty(len(self.symbols))
        out[self.places] = weights
        index = like.index if same else pd.Index(self.symbols)
        return pd.Series(out, index=index, name="weight")
