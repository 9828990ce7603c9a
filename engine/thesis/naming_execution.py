"""Whether the markets, symbols and currencies of ``[execution]`` are known."""

from __future__ import annotations

from collections.abc import Iterator

from engine.thesis.complaint import Complaint, Raw, almost, shown, unknown
from engine.thesis.raw import table, text, texts
from engine.thesis.source_map import Path
from engine.thesis.vocabulary import Vocabulary

#: Mappings of [execution] whose keys are currencies.
_BY_CURRENCY = ("borrow_rates", "cash_rates", "overdraft_rates")


def execution_names(raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Yield every name in [execution] that nothing answers to: it would do nothing."""
    terms = table(raw, "execution")
    for symbol in table(terms, "lots"):
        yield from _symbol(("execution", "lots", symbol), symbol, names)
    for mic in table(terms, "withholding"):
        yield from _exchange(("execution", "withholding", mic), mic, names)
    for key in _BY_CURRENCY:
        for word in table(terms, key):
            path = ("execution", key, word)
            yield from unknown(path, word, names.line_currencies, "currency")
    charges = terms.get("charges")
    for position, charge in enumerate(charges if isinstance(charges, list) else ()):
        if isinstance(charge, dict):
            yield from _charge(("execution", "charges", position), charge, names)


def _charge(path: Path, charge: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check the markets of a charge, and that its item is no misspelt one."""
    for place, mic in texts((*path, "markets"), charge.get("markets")):
        yield from _exchange(place, mic, names)
    item = text(charge, "item") or ""
    meant = "" if item in names.fee_items else almost(item, names.fee_items)
    if meant:  # it would be charged beside the one that it was to replace
        yield Complaint(
            path=(*path, "item"),
            message=f"unknown item {shown(item)}",
            hint=f"did you mean {meant!r}?",
        )


def _exchange(path: Path, mic: str, names: Vocabulary) -> tuple[Complaint, ...]:
    return unknown(path, mic, names.mics, "exchange")


def _symbol(path: Path, symbol: str, names: Vocabulary) -> tuple[Complaint, ...]:
    """Check a symbol; another house's spelling of it is not looked up there."""
    if symbol in names.aliases:
        meant = f"write {names.aliases[symbol]!r}, as prices call it"
        return (
            Complaint(path=path, message=f"unknown symbol {shown(symbol)}", hint=meant),
        )
    return unknown(path, symbol, names.tickers | names.benchmarks, "symbol")
