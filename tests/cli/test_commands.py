"""The command line: what each command prints, and what a mistake costs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.main import COMMANDS, cli

MINIMAL = "examples/minimal.toml"


def assay(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does: another process, its own exit code."""
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )


def fails(
    result: subprocess.CompletedProcess[str], code: int, *words: str
) -> subprocess.CompletedProcess[str]:
    """Assert one clear message, no traceback, nothing on stdout."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr, result.stderr
    return result


@pytest.fixture
def desk(tmp_path: Path, root: Path) -> Path:
    """An empty folder with a copy of the minimal thesis."""
    shutil.copy(root / MINIMAL, tmp_path / "minimal.toml")
    return tmp_path


def test_every_command_is_listed_with_its_own_first_line() -> None:
    for name, (_, line) in COMMANDS.items():
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.name == name
        assert command.help
        assert line.endswith(".")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys; from engine.cli.main import cli; "
        "cli.main(['--help'], standalone_mode=False); "
        "print([m for m in ('pandas', 'numpy', 'cvxpy', 'pydantic') "
        "if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert out.strip().endswith("[]")
    assert "assay" in out or "Usage" in out


def test_readme_documents_every_command(root: Path) -> None:
    text = (root / "README.md").read_text() + "".join(
        path.read_text() for path in (root / "docs").glob("*.md")
    )
    for name in COMMANDS:
        assert f"assay {name}" in text, name


def test_check_says_what_is_in_the_file(desk: Path) -> None:
    found = assay("check", "minimal.toml", cwd=desk)
    assert found.returncode == 0
    assert "fine" in found.stdout


def test_check_answers_other_house_styles_with_yahoos(desk: Path) -> None:
    text = (desk / "minimal.toml").read_text()
    (desk / "house.toml").write_text(
        f'{text}[universe]\nname = "ai-stack"\nexclude = ["688256.SH"]\n'
    )
    found = assay("check", "house.toml", cwd=desk)
    assert found.returncode == 0, found.stderr
    assert "688256.SH is read as 688256.SS" in found.stderr


def test_check_lists_everything_at_once(desk: Path) -> None:
    text = (desk / "minimal.toml").read_text()
    text = text.replace("price_momentum", "price_momentm")
    (desk / "bad.toml").write_text(text + "\n[portfolo]\nwindow = 3\n")
    found = fails(
        assay("check", "bad.toml", cwd=desk), 1, "portfolio", "price_momentum"
    )
    assert found.stderr.count("bad.toml:") >= 2


def test_init_writes_a_thesis_that_checks_and_is_not_overwritten(desk: Path) -> None:
    assert assay("init", "mine", cwd=desk).returncode == 0
    assert assay("check", "mine.toml", cwd=desk).returncode == 0
    before = (desk / "mine.toml").read_text()
    fails(assay("init", "mine", cwd=desk), 1, "exists already", "--force")
    assert (desk / "mine.toml").read_text() == before


def test_schema_is_json(desk: Path) -> None:
    found = assay("schema", cwd=desk)
    assert "properties" in json.loads(found.stdout)


def test_universe_answers_in_json_and_csv(desk: Path) -> None:
    rows = json.loads(assay("universe", "--format", "json", cwd=desk).stdout)
    by_symbol = {row["symbol"]: row for row in rows}
    assert by_symbol["688256.SS"]["entity"] == "cambricon"
    assert by_symbol["BABA"]["leg"] != by_symbol["BABA"]["leg_alt"]
    placebo = assay("universe", "ai-placebo", "--format", "csv", cwd=desk).stdout
    assert "TSM" in placebo


def test_factors_and_tests_are_listed(desk: Path) -> None:
    factors = json.loads(assay("factors", "--format", "json", cwd=desk).stdout)
    assert len(factors) >= 9
    tests = json.loads(assay("tests", "--format", "json", cwd=desk).stdout)
    assert {row["test"] for row in tests} >= {
        "event_contrast",
        "event_sign",
        "layer_spread",
        "sharpe_difference",
        "signal_threshold",
    }


def test_events_stamp_every_row_of_a_simulation(desk: Path, root: Path) -> None:
    flagship = root / "examples" / "open_weights.toml"
    found = assay(
        "events", flagship, "--event", "deepseek-selloff", "--format", "json", cwd=desk
    )
    assert found.returncode == 0, found.stderr
    rows = json.loads(found.stdout)
    assert len(rows) > 50
    for row in rows:
        assert row["stamp"] == "SIMULATED"
        assert row["event"] == "deepseek-selloff"
    wanted = [
        "event",
        "kind",
        "subject",
        "layer",
        "day_zero",
        "window",
        "return",
        "car",
        "se",
        "t",
        "p",
    ]
    assert set(wanted) <= set(rows[0])
    assert rows[0]["window"] == [0, 0]


def test_score_and_backtest_print_tables(desk: Path) -> None:
    score = assay("score", "minimal.toml", cwd=desk)
    assert score.returncode == 0, score.stderr
    assert "SIMULATED" in score.stdout
    table = assay("backtest", "minimal.toml", "--format", "csv", cwd=desk)
    assert table.returncode == 0, table.stderr
    head, *rows = table.stdout.splitlines()
    assert "sharpe" in head
    assert all(row.endswith("SIMULATED") for row in rows)


def test_random_barbells_are_ranked_and_listed(desk: Path) -> None:
    days = ("--start", "2024-07-01", "--end", "2025-03-31", "--random", "20")
    table = assay("backtest", "minimal.toml", *days, cwd=desk)
    assert table.returncode == 0, table.stderr
    assert "Among 20 random barbells (SIMULATED)" in table.stdout
    for word in ("percentile", "before_costs", "median", "max_drawdown"):
        assert word in table.stdout
    for words in ("The barbell stands in total return at", "in-sample", "drawn anew"):
        assert words in table.stderr
    runs = [
        assay("backtest", "minimal.toml", *days, *more, "--format", "json", cwd=desk)
        for more in ((), ("--seed", "20260706"), ("--seed", "1"))
    ]
    rows, again, other = (json.loads(run.stdout) for run in runs)
    assert [row["path"] for row in rows][:2] == ["barbell", "random 1"]
    assert len(rows) == 21
    assert {row["stamp"] for row in rows} == {"SIMULATED"}
    assert rows == again
    assert rows[0] == other[0]
    assert rows[1] != other[1]
    assert len({row["sharpe"] for row in rows}) == 21
    assert all(0.0 < row["costs"] < 0.05 and row["turnover"] > 0.0 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["rnu", "minimal.toml"], 2, ["no command 'rnu'", "run"]),
        (["run"], 2, ["THESIS"]),
        (["run", "absent.toml"], 2, ["absent.toml"]),
        (["run", "minimal.toml", "--start", "01/02/2024"], 2, ["--start"]),
        (["run", "minimal.toml", "--end", "2020-01-01"], 2, ["end"]),
        (["run", "minimal.toml", "--prices", "nowhere"], 1, ["nowhere"]),
        (["run", "minimal.toml", "--capital", "-5"], 2, ["capital"]),
        (["events", "minimal.toml", "--event", "x"], 2, ["no event is called 'x'"]),
        (["backtest", "minimal.toml", "--around", "x"], 2, ["has no [[events]]"]),
        (["backtest", "minimal.toml", "--random", "0"], 2, ["--random"]),
        (
            ["backtest", "minimal.toml", "--random", "5", "--around", "x"],
            2,
            ["leave out --around"],
        ),
        (["universe", "ai-stak"], 1, ["ai-stack"]),
        (["verify", "."], 1, ["no manifest.json"]),
        (["report", ".", "--out", "new"], 1, ["no manifest.json"]),
    ],
)
def test_a_mistake_costs_one_message(
    desk: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    before = sorted(path.name for path in desk.iterdir())
    fails(assay(*arguments, cwd=desk), code, *words)
    assert sorted(path.name for path in desk.iterdir()) == before


def test_simulated_signals_do_not_mix_with_real_prices(desk: Path) -> None:
    (desk / "prices").mkdir()
    fails(
        assay(
            "run", "minimal.toml", "--prices", "prices", "--signals", "sample", cwd=desk
        ),
        2,
        "--mix",
    )


def test_an_existing_output_folder_is_refused_before_any_work(desk: Path) -> None:
    (desk / "out").mkdir()
    found = fails(assay("run", "minimal.toml", "--out", "out", cwd=desk), 1, "exists")
    assert "deciding" not in found.stderr
    assert list((desk / "out").iterdir()) == []


def test_run_then_verify_then_tamper(desk: Path) -> None:
    done = assay("run", "minimal.toml", "--out", "out", "--end", "2024-06-28", cwd=desk)
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    manifest = json.loads((desk / "out" / "manifest.json").read_text())
    assert manifest["overrides"] == {"end": "2024-06-28"}
    assert manifest["stamp"] == "SIMULATED"
    for name in ("report.html", "report.pdf", "summary.json", "thesis.toml"):
        assert name in manifest["files"]

    verified = assay("verify", "out", cwd=desk)
    assert verified.returncode == 0, verified.stderr
    assert "derived again, exactly" in verified.stdout

    summary = desk / "out" / "summary.json"
    summary.write_text(summary.read_text().replace("SIMULATED", "REAL", 1))
    fails(assay("verify", "out", cwd=desk), 1, "changed: summary.json")
