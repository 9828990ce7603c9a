"""What the packaged universes hold, and how one of your own is read."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path

import pytest

from engine.market.listing import Line
from universes.aliases import aliases, house_forms, yahoo_form
from universes.loader import load, packaged


def test_two_universes_are_packaged() -> None:
    assert packaged() == ("ai-placebo", "ai-stack")


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("688256.SH", "688256.SS"),
        ("688256.SHA", "688256.SS"),
        ("SH688256", "688256.SS"),
        ("688256 CH", "688256.SS"),
        ("SZ002230", "002230.SZ"),
        ("700.HK", "0700.HK"),
        ("00700.HK", "0700.HK"),
        ("9988 HK", "9988.HK"),
        ("000660 KS", "000660.KS"),
        ("NVDA US", "NVDA"),
        ("NASDAQ:NVDA", "NVDA"),
        ("NYSEARCA:SPY", "SPY"),
        ("0700.HK", "0700.HK"),
    ],
)
def test_house_forms_are_answered_with_yahoos(written: str, symbol: str) -> None:
    line = load("ai-stack").line(written)
    assert line is not None
    assert line.symbol == symbol


def test_an_alias_names_one_line_and_is_no_symbol() -> None:
    universe = load("ai-stack")
    known = universe.lines.keys() | universe.benchmarks.keys()
    assert universe.aliases.keys().isdisjoint(known)
    assert set(universe.aliases.values()) <= known


def test_a_form_shared_by_two_lines_is_dropped() -> None:
    # Bloomberg writes both mainland exchanges as CH
    lines = [
        Line(symbol="600000.SS", entity="a", mic="XSHG", currency="CNY"),
        Line(symbol="600000.SZ", entity="b", mic="XSHE", currency="CNY"),
    ]
    known = aliases(lines)
    assert "600000 CH" not in known
    assert known["600000.SH"] == "600000.SS"
    assert known["600000.XSHE"] == "600000.SZ"


@pytest.mark.parametrize(
    ("symbol", "mic", "right"),
    [
        ("688256.SH", "XSHG", "688256.SS"),
        ("700.HK", "XHKG", "0700.HK"),
        ("89988.HK", "XHKG", "89988.HK"),
        ("SMSN.IL", "XLON", "SMSN.IL"),
        ("BRK-B", "XNYS", "BRK-B"),
    ],
)
def test_yahoo_form(symbol: str, mic: str, right: str) -> None:
    assert yahoo_form(symbol, mic) == right


def test_share_classes_have_a_dotted_form() -> None:
    assert {"BRK.B", "BRK/B"} <= set(house_forms("BRK-B", "XNYS"))


def test_cloud_stands_at_either_end() -> None:
    universe = load("ai-stack")
    differ = {
        entity.id: (entity.layer, entity.leg, entity.leg_alt)
        for entity in universe.entities.values()
        if entity.leg != entity.leg_alt
    }
    assert set(differ) == {
        "alibaba",
        "baidu",
        "kingsoft_cloud",
        "alibaba_cloud",
        "volcano_engine",
    }
    assert set(differ.values()) == {("cloud", "infrastructure", "distribution")}


def test_declared_is_the_first_day_a_document_could_be_read() -> None:
    entities = load("ai-stack").entities
    assert entities["alibaba"].declared == dt.date(2025, 12, 9)  # 000, 001, 002, 004
    assert entities["baidu"].declared == dt.date(2026, 1, 2)  # 000
    assert entities["meta"].declared == dt.date(2025, 12, 10)  # 002, 003, 004
    assert entities["zhipu"].declared == dt.date(2026, 4, 20)  # 002, 004
    assert entities["sk_hynix"].declared == dt.date(2026, 7, 6)  # 004


def test_every_listed_entity_has_one_primary_line() -> None:
    for name in packaged():
        universe = load(name)
        traded = [line.entity for line in universe.lines.values() if line.primary]
        assert len(traded) == len(set(traded))
        assert set(traded) == {line.entity for line in universe.lines.values()}


def test_private_entities_are_there_without_a_line() -> None:
    universe = load("ai-stack")
    traded = {line.entity for line in universe.lines.values()}
    for private in ("deepseek", "moonshot", "bytedance", "cxmt", "huawei", "openai"):
        assert universe.entities[private].kind == "private"
        assert private not in traded


def test_young_listings_and_unverified_ratios() -> None:
    lines = load("ai-stack").lines
    assert lines["2513.HK"].listed == dt.date(2026, 1, 8)
    assert lines["0100.HK"].listed == dt.date(2026, 1, 9)
    assert lines["BABA"].shares_per_receipt == 8
    assert lines["BYDDY"].shares_per_receipt is None
    assert lines["NVDA"].shares_per_receipt == 1


def test_us_lines_can_be_bought_by_a_us_account() -> None:
    bought = load("ai-stack").assets("us")
    assert [line.symbol for line in bought if line.entity == "tencent"] == ["TCEHY"]
    assert {line.currency for line in bought} == {"USD"}
    assert {"0981.HK", "000660.KS", "SMSN.IL"}.isdisjoint(
        line.symbol for line in bought
    )


def test_exclusion_takes_entities_symbols_and_house_forms() -> None:
    universe = load("ai-stack")
    left_out = ["icbc", "NVDA", "688256.SH"]
    held = {line.symbol for line in universe.assets(exclude=left_out)}
    everything = {line.symbol for line in universe.assets()}
    assert everything - held == {"1398.HK", "NVDA", "688256.SS"}


def test_the_control_has_the_flagships_layers() -> None:
    placebo, stack = load("ai-placebo"), load("ai-stack")
    assert placebo.layers == stack.layers
    held = {line.symbol: placebo.layer_of(line.symbol) for line in placebo.assets()}
    assert set(held) == {"TSM", "ASML", "INTC", "SMH", "MU", "ORCL", "1398.HK"}
    assert held["MU"] == "memory"
    chosen = {line.symbol for line in stack.assets(exclude=["icbc"])}
    assert chosen.isdisjoint(held)


def test_a_benchmark_that_is_also_held_is_one_line() -> None:
    placebo = load("ai-placebo")
    assert placebo.benchmarks["SMH"] is placebo.lines["SMH"]


def test_exposures_sum_to_one_or_none() -> None:
    universe = load("ai-stack")
    sums = universe.exposures(universe.lines).sum(axis=1).round(12)
    assert set(sums) == {0.0, 1.0}
    assert sums["MSFT"] == 0.0


def test_the_documented_example_is_a_universe(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "universes.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    (tmp_path / "power.toml").write_text(example[1], encoding="utf-8")
    universe = load("power.toml", base=tmp_path)
    assert universe.name == "power"
    assert [line.symbol for line in universe.assets()] == ["VST", "SMEGF"]
    assert universe.entities["siemens-energy"].exposure() == {
        "grid": 0.7,
        "generation": 0.3,
    }
    assert universe.benchmarks.keys() == {"SPY", "QQQ", "SMH", "KWEB", "ACWI", "XLU"}
    assert universe.line("VST US") is universe.lines["VST"]


def test_the_documented_counts_hold(root: Path) -> None:
    page = (root / "docs" / "universes.md").read_text(encoding="utf-8")
    universe = load("ai-stack")
    entities = len(universe.entities)
    listed = len(universe.assets())
    assert f"{entities} entities, {listed} of them listed" in page


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "universe.toml").write_text('layers = ["a"]\n', encoding="utf-8")
    (folder / "entities.csv").write_text(
        'id,name,layer,reason\none,"One, Inc.",a,because\ntwo,Two,none,\n',
        encoding="utf-8-sig",
    )
    (folder / "lines.csv").write_text(
        "symbol,entity,mic,currency\nONE,one,XNYS,USD\n", encoding="utf-8"
    )
    universe = load(str(folder))
    assert universe.name == "mine"
    assert universe.entities["one"].name == "One, Inc."
    assert universe.entities["one"].kind == "listed"
    assert universe.entities["two"].kind == "private"
    assert universe.lines["ONE"].primary


def test_a_packaged_name_wins_over_a_folder(tmp_path: Path) -> None:
    (tmp_path / "ai-stack").mkdir()
    assert len(load("ai-stack", base=tmp_path).entities) > 100


def test_loading_is_fast() -> None:
    load("ai-stack")
    started = time.perf_counter()
    load("ai-stack")
    assert time.perf_counter() - started < 0.2  # 4 ms on an idle machine
