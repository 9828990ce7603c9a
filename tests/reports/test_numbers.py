"""Numbers as they are read: true minus, no negative zero, nothing invented."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "12.3%"),
        (-0.1697, "\N{MINUS SIGN}17.0%"),
        (-0.00001, "0.0%"),
        (12.3456, "1,234.6%"),
        (NAN, "\N{EN DASH}"),
        (math.inf, "\N{EN DASH}"),
    ],
)
def test_percent(value: float, text: str) -> None:
    assert numbers.percent(value) == text


def test_a_change_carries_its_sign_and_zero_none() -> None:
    assert numbers.change(0.021) == "+2.1%"
    assert numbers.change(-0.021) == "\N{MINUS SIGN}2.1%"
    assert numbers.change(0.0004) == "0.0%"


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_no_ascii_minus_and_never_a_negative_zero(value: float, digits: int) -> None:
    text = numbers.decimal(value, digits)
    assert "-" not in text
    if text.startswith(numbers.MINUS):
        assert any(figure in text for figure in "123456789")


@given(st.floats(-1e4, 1e4))
def test_decimal_reads_back(value: float) -> None:
    text = numbers.decimal(value, 4).replace(numbers.MINUS, "-").replace(",", "")
    assert float(text) == pytest.approx(value, abs=0.5001e-4)


def test_intervals_need_both_ends() -> None:
    assert (
        numbers.interval(-0.1, 0.2, numbers.percent) == "\N{MINUS SIGN}10.0% to 20.0%"
    )
    assert numbers.interval(NAN, 0.2, numbers.percent) == numbers.MISSING


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0004, "<0.001"), (0.0349, "0.035"), (1.0, "1.000"), (NAN, "\N{EN DASH}")],
)
def test_p_value(value: float, text: str) -> None:
    assert numbers.p_value(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.05, "return", "+5.0%"),
        (-0.05, "return per year", "\N{MINUS SIGN}5.0%"),
        (0.3, "share", "30.0%"),
        (31.25, "percent", "31.2%"),
        (-0.5, "Sharpe ratio", "\N{MINUS SIGN}0.50"),
        (23_456_789.0, "tokens", "23,456,789"),
        (0.012345, "USD per Mtok", "0.01235"),
        (0.0, "USD", "0"),
        (NAN, "USD", "\N{EN DASH}"),
        (NAN, "percent", "\N{EN DASH}"),
    ],
)
def test_a_quantity_reads_in_its_unit(value: float, unit: str, text: str) -> None:
    assert numbers.quantity(value, unit) == text


def test_what_stands_behind_a_number() -> None:
    assert numbers.unit_word("return per year") == "a year"
    assert numbers.unit_word("return") == ""
    assert numbers.unit_word("Sharpe ratio") == "Sharpe ratio"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0000278, "0.00278%"), (0.0013, "0.13%"), (0.001, "0.1%"), (0.0, "0%")],
)
def test_a_tax_rate_keeps_every_figure(value: float, text: str) -> None:
    assert numbers.rate(value) == text


def test_money_days_and_windows() -> None:
    assert numbers.money(1.2e7, "USD") == "USD 12.0m"
    assert numbers.money(-2.5e9, "KRW") == "KRW \N{MINUS SIGN}2.5bn"
    assert numbers.money(NAN, "USD") == numbers.MISSING
    assert numbers.long_day(dt.date(2025, 1, 27)) == "27 January 2025"
    assert numbers.window((-1, 20)) == "[\N{MINUS SIGN}1,\N{NO-BREAK SPACE}+20]"
    assert numbers.window((0, 0)) == "[0,\N{NO-BREAK SPACE}0]"
    assert numbers.basis_points(0.00125) == "12.5 bp"


def test_a_text_gets_a_true_minus_before_numbers_only() -> None:
    text = "a move of -48% on 2025-01-27 and (-0.5), 20-30 of x-1"
    assert numbers.true_minus(text) == (
        f"a move of {numbers.MINUS}48% on 2025-01-27 and ({numbers.MINUS}0.5), "
        "20-30 of x-1"
    )


def test_a_level_is_named_as_it_is() -> None:
    assert [numbers.level(one) for one in (0.9, 0.99, 0.98333)] == [
        "90%",
        "99%",
        "98.3%",
    ]
    assert numbers.level(float("nan")) == numbers.MISSING
