"""Point 2 of what must be shown: the same thesis on the real files."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from engine import app, deliver
from engine.cli.main import cli
from engine.evidence.events import study_events
from engine.study_result import StudyResult
from tests.flagship import END, FLAGSHIP, START, real_options

pytestmark = [pytest.mark.shared, pytest.mark.xdist_group("real")]

FIELDS = (
    *("event", "kind", "subject", "layer", "day_zero", "window"),
    *("return", "car", "se", "t", "p"),
)
EXCHANGE = {
    **dict.fromkeys(("XNYS", "XNAS"), "XNYS"),
    **dict.fromkeys(("XSHG", "XSHE"), "XSHG"),
    **{"XHKG": "XHKG", "XKRX": "XKRX"},
}


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, object]]:
    """What ``assay events examples/open_weights.toml ... --format json`` prints."""
    options = real_options(shared)
    words = [
        word for name, value in options.items() for word in (f"--{name}", str(value))
    ]
    done = CliRunner().invoke(cli, ["events", str(FLAGSHIP), *words, "--format=json"])
    assert done.exit_code == 0, done.stderr
    printed: list[dict[str, object]] = json.loads(done.stdout)
    return printed


@pytest.fixture(scope="module")
def folder(real_study: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the real study."""
    target = tmp_path_factory.mktemp("runs") / "real"
    text = FLAGSHIP.read_text(encoding="utf-8")
    manifest = deliver.manifest_of(real_study, FLAGSHIP, text, ["assay", "run"], {})
    deliver.write_folder(real_study, target, thesis_text=text, manifest=manifest)
    return target


@pytest.mark.parametrize(
    ("symbol", "day", "percent"),
    [
        ("NVDA", "2025-01-27", -16.97),
        ("AVGO", "2025-01-27", -17.40),
        ("0981.HK", "2025-01-27", -7.63),
        ("688256.SS", "2025-01-27", -6.69),
        ("000660.KS", "2025-01-31", -9.86),
    ],
)
def test_day_zero_of_the_selloff(
    rows: list[dict[str, object]], symbol: str, day: str, percent: float
) -> None:
    (row,) = [
        one
        for one in rows
        if (one["event"], one["subject"], one["window"])
        == ("deepseek-selloff", symbol, [0, 0])
    ]
    assert row["day_zero"] == day
    assert round(100 * float(str(row["return"])), 2) == percent
    assert row["kind"] == "asset"


def test_one_row_per_event_subject_and_window(
    rows: list[dict[str, object]], real_study: StudyResult
) -> None:
    for row in rows:
        assert set(FIELDS) <= set(row)
        assert row["kind"] in {"asset", "layer", "contrast"}
        for name in ("return", "car", "se", "t", "p"):
            assert isinstance(row[name], float), (row, name)
        assert "stamp" not in row
    keys = [(one["event"], one["subject"], *one["window"]) for one in rows]
    assert len(set(keys)) == len(keys)
    # with what was left out, every event, subject and window is accounted for once
    left = real_study.events.left_out
    whole = {(one.event, one.subject) for one in left.itertuples() if not one.window}
    cut = {
        (one.event, one.subject, *one.window) for one in left.itertuples() if one.window
    }
    assert not cut & set(keys)
    subjects = [line.symbol for line in real_study.assets]
    subjects += ["compute", "memory", "cloud", "application", "labs"]
    for event in real_study.thesis.events:
        for subject in subjects:
            if (event.id, subject) in whole:
                assert not [key for key in keys if key[:2] == (event.id, subject)]
                continue
            for window in event.windows:
                key = (event.id, subject, *window)
                assert (key in keys) != (key in cut), key


def test_the_command_prints_what_the_study_holds(
    rows: list[dict[str, object]], real_study: StudyResult
) -> None:
    table = real_study.events.table
    assert len(rows) == len(table)
    for name in ("car", "se", "p", "return"):
        assert [one[name] for one in rows] == table[name].tolist()


def test_the_timeline_comes_out_on_its_sessions(shared: Path, tmp_path: Path) -> None:
    """All fifteen, through the thesis file, for the exchanges that we trade."""
    file = shared / "oracles" / "timeline" / "event_first_session_by_exchange.csv"
    timeline = pd.read_csv(file)
    hour = {"afterUS": "T21:30:00Z", "afterAsia": "T12:00:00Z", "day": "", "open": ""}
    head, _ = FLAGSHIP.read_text(encoding="utf-8").split("[[events]]", 1)
    events = [
        f'[[events]]\nid = "e{number}"\ntitle = "E"\nwindows = [[0, 0]]\n'
        f"at = {one.date}{hour[one.timing]}\n"
        for number, one in enumerate(timeline.itertuples())
    ]
    thesis = tmp_path / "timeline.toml"
    thesis.write_text(head + "\n".join(events), encoding="utf-8")
    # the sample world has a price on every session of 2026 too; days need no more
    inputs = app.inputs_of(thesis)
    table = study_events(
        inputs.market, inputs.thesis, inputs.universe, inputs.assets
    ).table
    assets = table[table["kind"] == "asset"]
    mic = {line.symbol: EXCHANGE[line.mic] for line in inputs.assets}
    exchanges = assets["subject"].map(mic)
    assert len(timeline) == 15
    for number, one in enumerate(timeline.to_dict("records")):
        for exchange in ("XNYS", "XHKG", "XSHG", "XKRX"):
            here = (assets["event"] == f"e{number}") & (exchanges == exchange)
            days = assets.loc[here, "day_zero"].dt.strftime("%Y-%m-%d").unique()
            assert days.tolist() == [one[exchange]], (one["event"], exchange)


def test_labs_that_were_not_listed_are_listed_as_such(real_study: StudyResult) -> None:
    table = real_study.market.coverage.set_index("symbol")
    for symbol in ("2513.HK", "0100.HK"):
        assert table.loc[symbol, "bars"] == 0
        assert table.loc[symbol, "note"] == "no price"
        assert symbol not in real_study.backtest.holdings
    assert any("2513.HK, 0100.HK" in one for one in real_study.caveats)
    assert any("GOOGL, META" in one and "prox" in one for one in real_study.caveats)


def test_what_ends_before_its_window_is_listed_with_the_reason(
    real_study: StudyResult,
) -> None:
    left = real_study.events.left_out
    late = left[(left["event"] == "sora-ends") & (left["subject"] == "NVDA")]
    assert late["reason"].tolist() == [
        "no session could react before the data end (2025-10-30)"
    ]
    cut = left[(left["event"] == "kimi-k2") & (left["subject"] == "0700.HK")]
    assert cut["window"].tolist() == [(2, 120)]
    assert "after the data" in cut["reason"].iloc[0]
    untestable = {
        one.id: one.reason
        for one in real_study.claims.results
        if one.verdict == "untestable" and one.sample == "in-sample"
    }
    assert "data end (2025-10-30)" in untestable["H28-nvidia"]
    assert untestable["H28-labs"] == "no asset of chinese_labs has a price"
    assert untestable["H20"].startswith("no observation of dollar_share of deepseek")


def test_half_days_and_missing_columns_are_found(real_study: StudyResult) -> None:
    found = {one.where: one.what for one in real_study.market.findings}
    assert "open = high = low = close" in found["XHKG"]
    assert "2025-09-19" in found["XKRX"]
    table = real_study.market.coverage.set_index("symbol")
    assert (table.loc[["0700.HK", "0981.HK", "1024.HK"], "flat"] >= 5).all()
    without_opens = {"KC", "000660.KS", "005930.KS", "000977.SZ", "002230.SZ"}
    without_opens |= {"688256.SS", "2513.HK", "0100.HK"}
    assert set(table.index[~table["opens"]]) == without_opens
    assert table.loc["000660.KS", "missing"] == 3


def test_the_report_says_what_was_overridden(
    real_study: StudyResult, folder: Path
) -> None:
    told = f"start = {START}, end = {END}"
    assert any(told in one for one in real_study.caveats)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    expected = {"start": str(START), "end": str(END)}
    assert summary["overrides"] == expected
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert told in re.sub(r"\s+", " ", page)


def test_nothing_real_is_stamped_simulated(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.suffix in {".json", ".csv", ".html"}:
            assert "SIMULATED" not in file.read_text(encoding="utf-8"), file.name
    assert "stamp" not in pd.read_parquet(folder / "tables" / "events.parquet")


def test_a_feed_that_ends_is_held_marked_and_named(
    shared: Path, tmp_path: Path
) -> None:
    """AMD's file stops in June: its last price values, nothing trades, all say so."""
    prices = tmp_path / "prices"
    shutil.copytree(shared / "market" / "prices", prices)
    head, *days = (prices / "AMD.csv").read_text().splitlines()
    kept = [head, *(day for day in days if day < "2025-06-18")]
    (prices / "AMD.csv").write_text("\n".join(kept) + "\n")
    options = {**real_options(shared), "prices": prices}
    options |= {"start": "2025-01-02", "end": "2025-09-30"}
    result = app.run(FLAGSHIP, **options)
    table = result.market.coverage.set_index("symbol")
    assert str(table.loc["AMD", "last"].date()) == "2025-06-17"
    assert any(
        "AMD" in one.where and "2025-06-17" in one.what + one.last
        for one in result.market.findings
    )
    told = result.backtest
    after = told.trades[told.trades["session"] > "2025-06-17"]
    assert "AMD" not in set(after["asset"])
    held = told.holdings["AMD"]["2025-06-18":]
    assert (held > 0).all()
    assert (held == held.iloc[0]).all()
    assert (told.price["AMD"]["2025-06-18":] == told.price["AMD"]["2025-06-17"]).all()
    # stale after five own sessions, and from then on a fixed weight for the optimiser
    stale = told.stale["AMD"]
    assert stale.idxmax() == pd.Timestamp("2025-06-26")
    assert stale["2025-06-26":].all()
    last = result.decisions[-1]
    assert any("AMD" in note for note in last.notes)
    assert any("AMD" in note for note in told.notes)
    left = result.events.left_out
    gone = left[(left["event"] == "kimi-k2") & (left["subject"] == "AMD")]
    reasons = dict(zip(gone["window"], gone["reason"], strict=True))
    for window in ((0, 0), (0, 1), (2, 20)):
        assert "to 2025-06-17" in reasons[window]
    assert "after the data (2025-09-30)" in reasons[(2, 120)]
