"""Events and claims that make no sense: each a clear message or a reason, by a study.

The list is that of the requirements: an event outside the data, an estimation window
that is too short, one asset in a layer, nobody trading on day zero, a benchmark that is
an asset, two events on one day, an unknown layer, a layer against itself, a p-value
that cannot be computed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import engine
from engine.cli.main import cli
from engine.errors import ThesisError
from engine.evidence.results import ClaimResult
from tests import desk
from tests.cli.test_commands import assay, fails
from tests.desk import Change, claim

DAY = "2024-01-16"
SCOPE = 'scope = "event"\nwindow = [0, 1]\nsign = "-"\n'


def event(identifier: str, at: str = DAY, more: str = "") -> str:
    return desk.EVENT.format(id=identifier, at=at, more=more)


def sign(about: str, layer: str = "compute") -> str:
    """Return a claim about an event, with the event's name."""
    return claim("event_sign", f'{SCOPE}event = "{about}"\nlayer = "{layer}"', about)


def contrast(about: str, long: str, short: str) -> str:
    more = f'{SCOPE}event = "{about}"\nlong = "{long}"\nshort = "{short}"'
    return claim("event_contrast", more, f"{long}-or-{short}")


def blank(day: str, *kept: str) -> Change:
    """Return a change that leaves a day without a price of all but some lines."""

    def change(prices: Path) -> None:
        for file in prices.glob("*.csv"):
            if file.stem in kept or file.stem.endswith("=X"):
                continue
            rows = [line.split(",") for line in file.read_text().splitlines()]
            emptied = [
                [day] + [""] * (len(row) - 1) if row[0] == day else row for row in rows
            ]
            file.write_text("".join(",".join(row) + "\n" for row in emptied))

    return change


def study(
    folder: Path, text: str, change: Change | None = None
) -> tuple[engine.StudyResult, dict[str, ClaimResult]]:
    """Return a study of the desk's thesis and more, and its claims by name."""
    desk.write_desk(folder, desk.THESIS + text)
    if change is not None:
        change(folder / "prices")
    result = engine.run(folder / "t.toml", prices=folder / "prices")
    told: dict[str, ClaimResult] = {}
    for one in result.claims.results:
        told.setdefault(one.id, one)
    return result, told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            event("before", at="2019-01-14"),
            "0 returns beside SPY in the estimation window [-260, -11]; 60 needed",
        ),
        (
            event("after", at="2030-01-14"),
            "no session could react before the data end (2024-03-28)",
        ),
        (
            event("short", more="estimation = [-40, -11]"),
            "30 returns beside SPY in the estimation window [-40, -11]; 60 needed",
        ),
        (
            event("own", more='benchmark = "NVDA"'),
            "it is the benchmark of the market model",
        ),
    ],
)
def test_an_event_that_cannot_be_studied_makes_its_claim_untestable(
    tmp_path: Path, text: str, words: str
) -> None:
    name = text.partition('id = "')[2].partition('"')[0]
    result, told = study(tmp_path, text + sign(name))
    assert told[name].verdict == "untestable"
    assert told[name].reason.startswith(f"{name}: {words}")
    left_out = result.events.left_out.set_index("subject")["reason"]
    assert left_out["compute"].startswith(words)
    assert "compute" not in set(result.events.table["subject"])


def test_the_command_says_what_it_leaves_out_and_why(tmp_path: Path) -> None:
    text = event("after", at="2030-01-14") + sign("after")
    desk.write_desk(tmp_path, desk.THESIS + text)
    where = [str(tmp_path / "t.toml"), "--prices", str(tmp_path / "prices")]
    events = CliRunner().invoke(cli, ["events", *where])
    assert events.exit_code == 0, events.output
    assert "no session could react before the data end (2024-03-28)" in events.stderr
    claims = CliRunner().invoke(cli, ["claims", *where, "--format", "csv"])
    assert claims.exit_code == 0, claims.output
    assert "untestable" in claims.stdout
    assert "after: no session could react before the data end" in claims.stdout


def test_one_asset_in_a_layer_is_tested_alone_and_says_so(tmp_path: Path) -> None:
    result, told = study(tmp_path, event("news") + sign("news"))
    (one,) = [told["news"].finding]
    assert one is not None
    assert "no test that allows for a louder window" in one.assumptions
    assert one.robust == ()
    table = result.events.table.set_index(["subject", "window"])
    both = table.xs((0, 1), level="window")
    layer, alone = both.loc["compute"], both.loc["NVDA"]
    assert layer["n"] == 1
    assert layer["p"] == pytest.approx(alone["p"], rel=1e-12) == one.p
    assert np.isnan(layer["adjusted_bmp_p"])


def test_nobody_trading_on_day_zero_is_said(tmp_path: Path) -> None:
    short = claim(
        "event_sign",
        SCOPE.replace("[0, 1]", "[0, 0]") + 'event = "quiet"\nlayer = "compute"',
        "day-zero",
    )
    text = event("quiet") + sign("quiet") + short
    result, told = study(tmp_path, text, blank(DAY, "SPY"))
    assert told["day-zero"].verdict == "untestable"
    assert f"no price on {DAY}, session 0" in told["day-zero"].reason
    spanned = "1 of 1 without a price on a session of the window, which the next"
    found = told["quiet"].finding
    assert found is not None
    assert [one for one in found.assumptions if one.startswith(spanned)]
    assert result.events.table["note"].str.contains(spanned, regex=False).all()
    assert set(result.events.table["window"]) == {(0, 1)}


def test_a_benchmark_that_did_not_trade_on_day_zero_is_said(tmp_path: Path) -> None:
    others = (one for one in desk.SYMBOLS if one != "SPY")
    _, told = study(tmp_path, event("quiet") + sign("quiet"), blank(DAY, *others))
    assert told["quiet"].verdict == "untestable"
    assert "SPY has no price beside" in told["quiet"].reason


def test_two_events_on_one_day_know_of_each_other(tmp_path: Path) -> None:
    text = event("first") + event("second") + sign("first") + sign("second")
    result, told = study(tmp_path, text)
    for name, other in (("first", "second"), ("second", "first")):
        found = told[name].finding
        assert found is not None
        assert f"also in the window: {other}" in found.assumptions
    assert told["first"].finding.p == told["second"].finding.p  # type: ignore[union-attr]
    crowds = result.events.crowding
    assert (crowds["session"] == 0).all()
    assert set(crowds["other"]) == {"first", "second"}
    assert result.events.table["note"].str.contains("1 other event in the window").all()


def test_an_event_apart_is_not_in_the_window(tmp_path: Path) -> None:
    text = event("first") + event("later", at="2024-02-15") + sign("first")
    _, told = study(tmp_path, text)
    assert told["first"].finding is not None
    assert not [one for one in told["first"].finding.assumptions if "also in" in one]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            event("news", more='contrasts = [["compte", "labs"]]'),
            "unknown layer or leg 'compte'; did you mean 'compute'?",
        ),
        (
            event("news") + sign("news", "labz"),
            "'news' layer: unknown layer or leg 'labz'; did you mean 'labs'?",
        ),
        (
            event("news", more='contrasts = [["compute", "compute"]]'),
            "'compute' is compared with itself; name two different ones",
        ),
        (
            event("news") + contrast("news", "labs", "labs"),
            "'labs' is compared with itself; name two different ones",
        ),
        (
            event("news") + sign("olds"),
            "unknown event 'olds'; known are news",
        ),
        (event("news") + event("news"), "already taken"),
        (
            event("news", more="estimation = [-5, 3]"),
            "overlaps what is measured, which starts at session 0",
        ),
    ],
)
def test_what_a_file_cannot_mean_is_an_error_at_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    desk.write_desk(tmp_path, desk.THESIS + text)
    with pytest.raises(ThesisError) as raised:
        engine.run(tmp_path / "t.toml", prices=tmp_path / "prices")
    assert words in str(raised.value)
    assert "t.toml:" in str(raised.value)
    fails(assay("check", "t.toml", cwd=tmp_path), raised.value.exit_code, words)


def test_a_leg_against_a_layer_that_it_holds_is_untestable(tmp_path: Path) -> None:
    text = event("news") + contrast("news", "infrastructure", "compute")
    result, told = study(tmp_path, text)
    one = told["infrastructure-or-compute"]
    assert one.verdict == "untestable"
    assert one.reason == "NVDA would be on both sides"
    (reason,) = set(result.events.left_out["reason"])
    assert reason == "NVDA would be on both sides"


@pytest.mark.parametrize("how", ["flat", "multiple"])
def test_a_p_value_that_cannot_be_computed_is_a_reason(
    tmp_path: Path, how: str
) -> None:
    """A price that never moves, or moves as the benchmark does, has no error."""

    def change(prices: Path) -> None:
        rows = [
            line.split(",") for line in (prices / "SPY.csv").read_text().splitlines()
        ]
        price = rows[0].index("adj_close" if "adj_close" in rows[0] else "close")
        lines = [f"{row[0]},{'5' if how == 'flat' else row[price]}" for row in rows[1:]]
        (prices / "NVDA.csv").write_text("\n".join(["date,close", *lines]) + "\n")
        (prices / "BABA.csv").write_text((prices / "GOOGL.csv").read_text())

    spread = claim("layer_spread", 'long = "labs"\nshort = "twin"', "same")
    basket = '\n[baskets]\ntwin = ["BABA"]\n'
    text = basket + event("news") + sign("news") + spread
    _, told = study(tmp_path, text, change)
    assert told["news"].verdict == "untestable"
    assert "do not differ from a multiple of SPY" in told["news"].reason
    assert told["same"].verdict == "untestable"
    assert "no p-value can be computed" in told["same"].reason
    assert "its error is zero" in told["same"].reason


# ---- two sides -----------------------------------------------------------------------

SHARED = "NVDA would be on both sides"
ORDER = 'layers = ["compute", "mine"]'


def test_every_test_with_two_sides_refuses_what_both_hold(tmp_path: Path) -> None:
    """One rule and one message, for legs and for baskets; the event agrees."""
    text = (
        '\n[baskets]\nmine = ["NVDA", "GOOGL"]\n'
        + event("news", more='contrasts = [["mine", "compute"]]')
        + claim("layer_spread", 'long = "infrastructure"\nshort = "compute"', "leg")
        + claim("layer_spread", 'long = "mine"\nshort = "compute"', "basket")
        + claim("rank_order", ORDER, "order")
        + contrast("news", "mine", "compute")
        + claim("layer_spread", 'long = "mine"\nshort = "memory"', "apart")
    )
    result, told = study(tmp_path, text)
    for name in ("leg", "basket", "order", "mine-or-compute"):
        assert (told[name].verdict, told[name].reason) == ("untestable", SHARED), name
    assert SHARED not in told["apart"].reason
    assert set(result.events.left_out["reason"]) == {SHARED}


def test_an_event_contrasts_baskets_and_legs_as_claims_do(tmp_path: Path) -> None:
    text = (
        '\n[baskets]\none = ["NVDA"]\n'
        + event("news", more='contrasts = [["one", "labs"], ["labs", "distribution"]]')
        + contrast("news", "one", "labs")
    )
    result, told = study(tmp_path, text)
    table = result.events.table
    rows = table[table["subject"] == "one minus labs"]
    assert len(rows) == len(set(rows["window"])) > 0
    finding = told["one-or-labs"].finding
    assert finding is not None
    (row,) = rows[rows["window"] == (0, 1)].to_dict("records")
    assert finding.estimate == pytest.approx(row["car"], rel=1e-12)
    assert finding.p == pytest.approx(row["p"], rel=1e-12)
    assert (table["subject"] == "labs minus distribution").any()
    assert result.events.left_out.empty
    assert "one minus labs" in set(result.sensitivity["subject"])
