"""`assay explain`: what it prints, and what it says to what it cannot explain."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from engine import deliver, reopen
from engine.explain import explain
from engine.study_result import StudyResult
from tests import desk
from tests.terminal import Terminal

MORE = """
[[factors]]
name   = "vendor_share"
weight = 0.5
"""


def _render(result: StudyResult, folder: Path, *rest: object) -> None:
    (folder / "report.html").write_text("report")


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A desk with two short runs: own prices in ``own``, simulated ones in ``out``."""
    folder = tmp_path_factory.mktemp("explained")
    desk.write_desk(folder, desk.THESIS + MORE)
    period = {"start": "2023-09-01", "end": "2023-12-15"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliver, "_render", _render)
        patch.chdir(folder)
        deliver.run_to_folder("t.toml", out="own", prices="prices", **period)
        deliver.run_to_folder("t.toml", out="out", **period)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def asked(
    archived: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(archived, monkeypatch, capsys)


def test_a_terminal_shows_the_chain_in_words_and_tables(asked: Terminal) -> None:
    answer = asked("explain", "out", "BABA", "2023-10-15")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("SIMULATED.\n")
    lines = [line.strip() for line in answer.out.splitlines()]
    titles = [line for line in lines if line.endswith("(SIMULATED)")]
    assert [title.removesuffix(" (SIMULATED)").split(",")[0] for title in titles] == [
        "Observations",
        "Prices",
        "Factors",
        "Score and expected return",
        "Limits that bound",
        "What balances at the target",
        "Weight",
        "Trades",
        "Costs by kind",
        "Profit",
    ]
    assert "observations with --format csv or json" in answer.err


def test_csv_is_one_long_stamped_table(asked: Terminal, archived: Path) -> None:
    answer = asked("explain", "out", "BABA", "2023-10-15", "--format", "csv")
    assert answer.code == 0, answer.err
    table = pd.read_csv(io.StringIO(answer.out))
    wanted = ["step", "item", "value", "unit", "known_at", "source", "stamp"]
    assert list(table.columns) == wanted
    assert set(table["stamp"]) == {"SIMULATED"}
    found = explain(
        reopen.rerun(archived / "out").result, "BABA", pd.Timestamp("2023-10-15").date()
    )
    assert len(table) == len(found.chain())
    assert table["value"].iloc[-1] == pytest.approx(found.profit["value"].iloc[-1])


def test_json_has_every_table_and_no_stamp_on_own_prices(asked: Terminal) -> None:
    answer = asked("explain", "own", "NVDA", "2023-12-15", "--format", "json")
    assert answer.code == 0, answer.err
    whole = json.loads(answer.out)
    assert (whole["asset"], whole["decided"]) == ("NVDA", "2023-11-30")
    assert whole["until"] == "2023-12-15"
    assert "stamp" not in whole
    assert "SIMULATED" not in answer.out
    items = {row["item"]: row["value"] for row in whole["profit"]}
    assert items["profit"] == pytest.approx(sum(items.values()) - items["profit"])
    assert {row["factor"] for row in whole["contributions"]} == {
        "price_momentum",
        "vendor_share",
    }


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ("out", "NVDIA", "2023-10-15"), ("'NVDIA'", "did you mean 'NVDA'?")),
        (2, ("out", "x", "2023-10-15"), ("'x'", "they are")),
        (2, ("out", "SPY", "2023-10-15"), ("SPY is no asset of this run",)),
        (2, ("out", "NVDA", "2023-08-31"), ("2023-08-31 is before", "2023-09-01")),
        (2, ("out", "NVDA", "2023-12-16"), ("2023-12-16 is after", "2023-12-15")),
        (2, ("out", "NVDA", "15.10.2023"), ("15.10.2023",)),
        (2, ("out", "NVDA"), ("DATE",)),
        (1, ("prices", "NVDA", "2023-10-15"), ("no manifest.json",)),
        (1, ("nowhere", "NVDA", "2023-10-15"), ("no manifest.json",)),
        (1, ("t.toml", "NVDA", "2023-10-15"), ("no manifest.json",)),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_what_cannot_be_explained_is_said_once(
    asked: Terminal, code: int, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    asked.refuses(code, "explain", *arguments, words=words)


def test_a_run_whose_prices_changed_is_not_explained(
    archived: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "desk"
    shutil.copytree(archived, folder)
    manifest = folder / "own" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(archived), str(folder)))
    desk.cell("NVDA.csv", 60, "1.0")(folder / "prices")
    asked = Terminal(folder, monkeypatch, capsys)
    asked.refuses(
        1,
        "explain",
        "own",
        "NVDA",
        "2023-10-15",
        words=("prices are not what the run",),
    )
