"""How Yahoo writes a line or a currency, and where its days begin."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import DataError
from engine.market.calendar import calendar_of

#: Endings of Yahoo's symbols; an exchange that is not here has none, or several.
ENDINGS: Mapping[str, str] = MappingProxyType(
    {"XSHG": ".SS", "XSHE": ".SZ", "XHKG": ".HK", "XKRX": ".KS", "XKOS": ".KQ"}
)
#: Time zones of the calendars. With them yfinance need not ask Yahoo, line by line.
ZONES: Mapping[str, str] = MappingProxyType(
    {
        "XNYS": "America/New_York",
        "XHKG": "Asia/Hong_Kong",
        "XSHG": "Asia/Shanghai",
        "XKRX": "Asia/Seoul",
        "XTAI": "Asia/Taipei",
        "XTKS": "Asia/Tokyo",
        "XAMS": "Europe/Amsterdam",
        "XLON": "Europe/London",
    }
)
#: Yahoo's currency pairs have days of London.
FX_ZONE = "Europe/London"
FX_ENDING = "=X"


def yahoo_symbol(symbol: str, mic: str) -> str:
    """Return how Yahoo writes a symbol of an exchange.

    ``688256`` on XSHG is ``688256.SS``, ``700.HK`` and ``00700`` on XHKG are
    ``0700.HK``. Symbols of exchanges without one ending come back as they are.

    Raises
    ------
    DataError
        The symbol is blank, or carries the ending of another exchange.
    """
    if not symbol.strip():
        raise DataError(f"a line on {mic} has no symbol")
    other = next(
        (one for one, end in ENDINGS.items() if symbol.endswith(end) and one != mic), ""
    )
    if other:
        raise DataError(
            f"{symbol}: the ending is of {other}, but the line trades on {mic}; "
            "correct the symbol or the exchange"
        )
    if mic not in ENDINGS:
        return symbol
    bare = symbol.removesuffix(ENDINGS[mic])
    if mic == "XHKG" and bare.isdigit():
        bare = bare.lstrip("0").zfill(4)
    return bare + ENDINGS[mic]


def fx_symbol(currency: str) -> str:
    """Return Yahoo's pair of a currency in units per US dollar: ``HKD=X``."""
    return currency + FX_ENDING


def zone_of(mic: str) -> str:
    """Return the time zone of an exchange (``""``: none known); FX has no exchange."""
    return ZONES.get(calendar_of(mic), "") if mic else FX_ZONE
