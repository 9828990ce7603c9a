"""How other houses write a symbol, and how Yahoo does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from engine.market.listing import Line

#: Exchanges and the endings of Yahoo's symbols on them ("" = none).
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "XNYS": ("",),
    "XNAS": ("",),
    "ARCX": ("",),
    "OTCM": ("",),
    "XHKG": (".HK",),
    "XSHG": (".SS",),
    "XSHE": (".SZ",),
    "XKRX": (".KS",),
    "XKOS": (".KQ",),
    "XLON": (".L", ".IL"),
}
#: Exchanges where a US account trades.
UNITED_STATES = frozenset({"XNYS", "XNAS", "ARCX", "OTCM"})

#: Country code of a Bloomberg ticker.
_BLOOMBERG = {
    "XHKG": "HK",
    "XSHG": "CH",
    "XSHE": "CH",
    "XKRX": "KS",
    "XKOS": "KQ",
    "XLON": "LN",
}
#: Prefix of a ticker as search engines write it.
_PREFIX = {
    "XNYS": "NYSE",
    "XNAS": "NASDAQ",
    "ARCX": "NYSEARCA",
    "OTCM": "OTCMKTS",
    "XHKG": "HKG",
    "XSHG": "SHA",
    "XSHE": "SHE",
    "XKRX": "KRX",
    "XKOS": "KOSDAQ",
    "XLON": "LON",
}
#: Endings that Chinese and other vendors put in place of Yahoo's.
_ENDINGS = {"XSHG": (".SH", ".SHA"), "XSHE": (".SHE",)}
#: Letters that Chinese brokers put before the code.
_BEFORE_CODE = {"XSHG": "SH", "XSHE": "SZ"}
_FOREIGN = tuple(
    ending
    for mic, endings in SUFFIXES.items()
    if mic not in UNITED_STATES
    for ending in (*endings, *_ENDINGS.get(mic, ()))
)


def code(symbol: str) -> str:
    """Return a Yahoo symbol without the exchange's ending: ``0700.HK`` -> ``0700``."""
    head, dot, _ = symbol.rpartition(".")
    return head if dot else symbol


def yahoo_form(symbol: str, mic: str) -> str:
    """Return how Yahoo writes a symbol of this exchange.

    ``688256.SH`` on XSHG is ``688256.SS``, ``700.HK`` on XHKG is ``0700.HK``. A US
    symbol comes back as it is: its dot may be a share class.
    """
    if mic in UNITED_STATES:
        return symbol
    endings = SUFFIXES[mic]
    bare = code(symbol)
    ending = next((one for one in endings if symbol.endswith(one)), endings[0])
    return (bare.zfill(4) if mic == "XHKG" else bare) + ending


def is_yahoo_form(symbol: str, mic: str) -> bool:
    """Return whether a symbol is written Yahoo's way for this exchange."""
    if mic in UNITED_STATES:
        return not symbol.endswith(_FOREIGN)
    return yahoo_form(symbol, mic) == symbol


def house_forms(symbol: str, mic: str) -> tuple[str, ...]:
    """Return the other ways to write a line, for example ``688256.SH``.

    Wind and similar endings, Hong Kong codes without or with five digits, Bloomberg
    (``NVDA US``, ``700 HK``), exchange prefixes (``SHA:688256``) and exchange codes
    (``688256.XSHG``). Yahoo's own form is not among them.
    """
    bare = symbol if mic in UNITED_STATES else code(symbol)
    codes = [bare]
    if mic == "XHKG":
        codes += [bare.lstrip("0"), bare.zfill(5)]
    country = "US" if mic in UNITED_STATES else _BLOOMBERG[mic]
    forms = [f"{bare}.{mic}"]
    for one in codes:
        forms += [f"{one} {country}", f"{one} {country} Equity"]
        forms += [f"{_PREFIX[mic]}:{one}"]
        forms += [one + ending for ending in SUFFIXES[mic] if ending]
    forms += [bare + ending for ending in _ENDINGS.get(mic, ())]
    if mic in _BEFORE_CODE:
        forms.append(_BEFORE_CODE[mic] + bare)
    if mic in UNITED_STATES:
        forms.append(f"{bare}.US")
        forms += [bare.replace("-", mark) for mark in "./" if "-" in bare]
    return tuple(dict.fromkeys(form for form in forms if form != symbol))


def aliases(lines: Iterable[Line]) -> dict[str, str]:
    """Return house form -> Yahoo symbol, without forms that two lines share."""
    listed = tuple(lines)
    symbols = {line.symbol for line in listed}
    pairs = {
        (form, line.symbol)
        for line in listed
        for form in house_forms(line.symbol, line.mic)
    }
    times = Counter(form for form, _ in pairs)
    return {
        form: symbol
        for form, symbol in sorted(pairs)
        if times[form] == 1 and form not in symbols
    }
