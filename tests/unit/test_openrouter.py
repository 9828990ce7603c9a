"""Weekly lists of models become shares; what is wrong with a list is named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from engine.errors import DataError
from engine.interfaces import SignalData
from engine.market.listing import Universe
from engine.sources.files.signals import DEFAULT_ROLES
from engine.sources.openrouter.lists import (
    CHINA_SHARE,
    HHI,
    MODELS,
    TOKENS,
    VENDOR_SHARE,
    OpenRouterFile,
    read_models,
)
from universes.loader import load

#: Nine models of the packaged table, from the most used down.
NINE = (
    "anthropic/claude-3.5-sonnet",
    "google/gemini-2.0-flash-001",
    "google/gemini-flash-1.5",
    "openai/gpt-4o-mini",
    "deepseek/deepseek-r1:free",
    "meta-llama/llama-3.3-70b-instruct",
    "mistralai/mistral-nemo",
    "google/gemini-flash-1.5-8b",
    "deepseek/deepseek-chat-v3",
)
AMOUNTS = (30, 20, 10, 10, 9, 8, 6, 4, 3)
WESTERN = (
    *(name for name in NINE if "deepseek" not in name),
    "anthropic/claude-3-5-haiku",
    "openai/gpt-oss-20b",
)


@pytest.fixture(scope="module")
def universe() -> Universe:
    return load("ai-stack")


def week(
    day: str,
    models: tuple[str, ...] = NINE,
    amounts: tuple[int, ...] = AMOUNTS,
) -> list[str]:
    pairs = zip(models, amounts, strict=False)
    return [
        f"{day},{rank},{model},{model.split('/')[0]},{amount}"
        for rank, (model, amount) in enumerate(pairs, start=1)
    ]


def write(folder: Path, *weeks: list[str]) -> Path:
    path = folder / "weekly.csv"
    header = "week_date,rank,model_slug,author,total_tokens"
    path.write_text("\n".join([header, *(row for one in weeks for row in one)]) + "\n")
    return path


def values(supplied: SignalData, series: str) -> pd.DataFrame:
    rows = supplied.signals.observations
    return rows[rows["series"] == series].set_index("entity")


def notable(supplied: SignalData) -> list[str]:
    return [
        f"{one.where}: {one.what}"
        for one in supplied.findings
        if one.where != "signals"
    ]


def test_a_week_by_hand(tmp_path: Path, universe: Universe):
    supplied = OpenRouterFile(path=write(tmp_path, week("2025-02-16"))).load(universe)
    shares = values(supplied, VENDOR_SHARE)["value"]
    assert shares.round(9).to_dict() == {
        "alphabet": 0.34,
        "anthropic": 0.30,
        "deepseek": 0.12,
        "meta": 0.08,
        "mistral": 0.06,
        "openai": 0.10,
    }
    assert values(supplied, CHINA_SHARE)["value"].to_list() == [pytest.approx(0.12)]
    assert values(supplied, TOKENS)["value"].to_list() == [100.0]
    squares = 0.34**2 + 0.30**2 + 0.12**2 + 0.08**2 + 0.06**2 + 0.10**2
    assert values(supplied, HHI)["value"].to_list() == [pytest.approx(squares)]
    rows = supplied.signals.observations
    assert set(rows["quality"]) == {"observed"}
    assert set(rows["known_at"]) == {pd.Timestamp("2025-02-17")}
    assert notable(supplied) == []


def test_roles_are_those_of_a_folder(tmp_path: Path, universe: Universe):
    supplied = OpenRouterFile(path=write(tmp_path, week("2025-02-16"))).load(universe)
    expected = {role: name for role, name in DEFAULT_ROLES.items() if role != "capex"}
    assert supplied.signals.roles == expected


def test_absent_from_the_nine_is_not_zero(tmp_path: Path, universe: Universe):
    path = write(tmp_path, week("2025-12-14", WESTERN))
    supplied = OpenRouterFile(path=path).load(universe)
    china = values(supplied, CHINA_SHARE)
    assert china["quality"].to_list() == ["bound"]
    assert supplied.signals.read("token_share").empty
    assert "deepseek" not in values(supplied, VENDOR_SHARE).index
    assert values(supplied, HHI)["quality"].to_list() == ["observed"]


def test_an_unknown_model_is_named_and_not_guessed(tmp_path: Path, universe: Universe):
    models = (*NINE[:8], "deepseek/deepseek-v9")
    supplied = OpenRouterFile(path=write(tmp_path, week("2025-02-16", models))).load(
        universe
    )
    shares = values(supplied, VENDOR_SHARE)
    assert shares.loc["other", "value"] == pytest.approx(0.03)
    assert shares.loc["deepseek", "value"] == pytest.approx(0.09)
    assert set(shares["quality"]) == {"bound"}
    assert values(supplied, CHINA_SHARE)["quality"].to_list() == ["bound"]
    squares = 0.34**2 + 0.30**2 + 0.09**2 + 0.08**2 + 0.06**2 + 0.10**2
    hhi = values(supplied, HHI)
    assert hhi["value"].to_list() == [pytest.approx(squares)]
    assert hhi["quality"].to_list() == ["bound"]
    assert values(supplied, TOKENS)["quality"].to_list() == ["observed"]
    assert notable(supplied) == [
        "openrouter: unknown models: 1 models that openrouter_models.csv does not have "
        "for their week: deepseek/deepseek-v9; in 1 weeks, 3.0% of all tokens"
    ]


def test_a_table_of_ones_own_knows_when_a_maker_was_named(
    tmp_path: Path, universe: Universe
):
    table = tmp_path / "models.csv"
    packaged = MODELS.read_text().splitlines()
    table.write_text(
        "\n".join(
            [
                *packaged,
                "lab/stealth,,2025-02-20,openrouter,undisclosed,",
                "lab/stealth,2025-02-21,,alibaba,cn,announced",
            ]
        )
    )
    models = (*NINE[:8], "lab/stealth")
    path = write(tmp_path, week("2025-02-16", models), week("2025-02-23", models))
    supplied = OpenRouterFile(path=path, models=table).load(universe)
    assert values(supplied, CHINA_SHARE)["value"].to_list() == pytest.approx(
        [0.09, 0.12]
    )
    (only,) = notable(supplied)
    assert only.startswith("openrouter: undisclosed models: 1 models")


def test_a_model_before_its_release_is_unknown(tmp_path: Path, universe: Universe):
    models = (*NINE[:8], "anthropic/claude-4-sonnet-20250522")
    supplied = OpenRouterFile(path=write(tmp_path, week("2025-05-18", models))).load(
        universe
    )
    assert "unknown models" in notable(supplied)[0]


def test_a_label_change_is_named_and_never_known_too_soon(
    tmp_path: Path, universe: Universe
):
    path = write(tmp_path, week("2025-02-16"), week("2025-02-24"))
    supplied = OpenRouterFile(path=path).load(universe)
    assert notable(supplied) == [
        "weekly.csv: labels: label change from Sunday (2025-02-16) to Monday "
        "(2025-02-24)"
    ]
    tokens = values(supplied, TOKENS)
    assert tokens["value_date"].to_list() == [
        pd.Timestamp("2025-02-16"),
        pd.Timestamp("2025-02-24"),
    ]
    assert tokens["known_at"].to_list() == [
        pd.Timestamp("2025-02-17"),
        pd.Timestamp("2025-03-03"),
    ]


def test_labels_that_never_were_sundays_are_named(tmp_path: Path, universe: Universe):
    path = write(tmp_path, week("2025-02-17"), week("2025-02-24"))
    (only,) = notable(OpenRouterFile(path=path).load(universe))
    assert "labelled with a Monday" in only


def test_a_truncated_list_is_named_and_not_used(tmp_path: Path, universe: Universe):
    path = write(tmp_path, week("2025-02-16"), week("2025-02-23", NINE[:5]))
    supplied = OpenRouterFile(path=path).load(universe)
    assert notable(supplied) == [
        "weekly.csv: truncated list: 1 weeks with fewer than 9 models: 2025-02-23 (5)"
    ]
    rows = supplied.signals.observations
    later = rows[rows["value_date"] == "2025-02-23"]
    assert later.groupby("series")["quality"].unique().map(list).to_dict() == {
        CHINA_SHARE: ["disputed"],
        VENDOR_SHARE: ["disputed"],
        HHI: ["disputed"],
        TOKENS: ["bound"],
    }


def test_a_tenth_row_is_left_out_and_named(tmp_path: Path, universe: Universe):
    ten = week("2025-02-16", (*NINE, "minimax/minimax-m2"), (*AMOUNTS, 2))
    supplied = OpenRouterFile(path=write(tmp_path, ten)).load(universe)
    assert values(supplied, TOKENS)["value"].to_list() == [100.0]
    assert notable(supplied) == ["weekly.csv: long list: 1 rows rank below 9"]


def test_ranks_that_are_none_are_named(tmp_path: Path, universe: Universe):
    rows = week("2025-02-16")
    rows[8] = rows[8].replace(",9,", ",8,", 1)
    supplied = OpenRouterFile(path=write(tmp_path, rows)).load(universe)
    assert "do not rank their models 1 to 9: 2025-02-16" in notable(supplied)[0]


def test_missing_weeks_are_named(tmp_path: Path, universe: Universe):
    path = write(tmp_path, week("2025-02-16"), week("2025-03-09"))
    supplied = OpenRouterFile(path=path).load(universe)
    assert notable(supplied) == [
        "weekly.csv: empty feed: no list between 2025-02-16 and 2025-03-09: about 2 "
        "weeks are missing"
    ]


def test_weeks_without_a_token_are_no_observation(tmp_path: Path, universe: Universe):
    path = write(tmp_path, week("2025-02-16"), week("2025-02-23", NINE, (0,) * 9))
    supplied = OpenRouterFile(path=path, until=dt.date(2025, 2, 24)).load(universe)
    assert values(supplied, TOKENS)["value"].to_list() == [100.0]
    assert set(supplied.signals.observations["value_date"]) == {
        pd.Timestamp("2025-02-16")
    }
    assert notable(supplied) == [
        "weekly.csv: empty feed: 1 weeks list models without a token: 2025-02-23"
    ]


def test_a_feed_that_ended_is_named_when_asked(tmp_path: Path, universe: Universe):
    path = write(tmp_path, week("2025-02-16"))
    on_time = OpenRouterFile(path=path, until=dt.date(2025, 3, 2)).load(universe)
    assert notable(on_time) == []
    late = OpenRouterFile(path=path, until=dt.date(2025, 3, 3)).load(universe)
    assert notable(late) == [
        "weekly.csv: empty feed: the last list with tokens is of 2025-02-16, 15 days "
        "before 2025-03-03"
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("total_tokens", "tokens", "no column total_tokens"),
        (",1,anthropic", ",,anthropic", "row 2: has no rank"),
        (",1,anthropic", ",1.5,anthropic", "row 2: rank 1.5 is no whole number"),
        (",30", ",-30", "row 2: total_tokens -30 is negative"),
        (",30", ",many", "row 2"),
        ("2025-02-16,1", "16.02.2025,1", "is not a day"),
        (NINE[1], NINE[0], "row 3: anthropic/claude-3.5-sonnet is listed twice"),
    ],
)
def test_a_broken_file_is_named_with_its_row(
    tmp_path: Path, universe: Universe, old: str, new: str, said: str
):
    path = write(tmp_path, week("2025-02-16"))
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=said):
        OpenRouterFile(path=path).load(universe)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (f"{NINE[0]},2025-01-01,,meta,us,", "two rows hold for anthropic"),
        ("new/model,soon,,lab,us,", "since 'soon' is not a day"),
        ("new/model,,,,us,", "has no vendor"),
    ],
)
def test_a_broken_table_of_models_is_named(
    tmp_path: Path, universe: Universe, extra: str, said: str
):
    table = tmp_path / "models.csv"
    table.write_text(MODELS.read_text() + extra + "\n")
    path = write(tmp_path, week("2025-02-16"))
    with pytest.raises(DataError, match=said):
        OpenRouterFile(path=path, models=table).load(universe)


def test_the_packaged_table_knows_each_model_once():
    cells = read_models(MODELS).cells
    assert not cells["model"].duplicated().any()
    assert set(cells["origin"]) == {"cn", "us", "fr", "de", "undisclosed"}


def test_a_file_that_went_empty_is_refused(tmp_path: Path, universe: Universe):
    with pytest.raises(DataError, match=r"weekly\.csv: has a header and no rows"):
        OpenRouterFile(path=write(tmp_path)).load(universe)


# The collected file, and what was derived from it


@pytest.fixture
def real(shared: Path, universe: Universe) -> SignalData:
    raw = shared / "signals" / "raw" / "openrouter_models_weekly_top9.csv"
    return OpenRouterFile(path=raw).load(universe)


@pytest.mark.shared
def test_the_long_file_is_derived_again(shared: Path, real: SignalData):
    """Shares there are rounded to 0.001 % (vendors) and 0.01 % (China)."""
    long = pd.read_csv(shared / "signals" / "long" / "observations.csv")
    long = long[long["series"].isin([VENDOR_SHARE, CHINA_SHARE, TOKENS])]
    long = long.assign(
        value_date=pd.to_datetime(long["value_date"]),
        known_at=pd.to_datetime(long["known_at"]).dt.tz_localize(None),
    )
    here = real.signals.observations
    here = here[here["series"] != HHI]
    both = long.merge(
        here, on=["series", "entity", "value_date"], suffixes=("", "_here")
    )
    assert len(both) == len(long) == len(here) == 294
    for column in ("known_at", "unit", "quality", "source"):
        assert (both[column] == both[f"{column}_here"]).all(), column
    off = (both["value"] - both["value_here"]).abs()
    rounding = both["series"].map({VENDOR_SHARE: 5e-6, CHINA_SHARE: 5e-5, TOKENS: 0.0})
    assert (off <= rounding + 1e-12).all()


@pytest.mark.shared
def test_the_derived_files_follow(shared: Path, real: SignalData):
    raw = shared / "signals" / "raw"
    tokens = values(real, TOKENS).set_index("value_date")["value"]
    china = pd.read_csv(raw / "openrouter_china_share_of_top9_weekly.csv")
    weeks = pd.to_datetime(china["week_date"])
    assert tokens.loc[weeks].to_list() == china["top9_tokens"].to_list()
    share = values(real, CHINA_SHARE).set_index("value_date")["value"].loc[weeks]
    assert (share.to_numpy() * tokens.loc[weeks].to_numpy()).round().tolist() == china[
        "china_tokens"
    ].to_list()
    authors = pd.read_csv(raw / "openrouter_author_share_of_top9_weekly.csv")
    names = {
        "google": "alphabet",
        "qwen": "alibaba",
        "x-ai": "xai",
        "mistralai": "mistral",
        "meta-llama": "meta",
    }
    vendor = values(real, VENDOR_SHARE).reset_index()
    vendor["tokens"] = vendor["value"] * tokens.loc[vendor["value_date"]].to_numpy()
    authors = authors.assign(
        entity=authors["author"].replace(names),
        value_date=pd.to_datetime(authors["week_date"]),
    )
    both = authors.merge(vendor, on=["entity", "value_date"], suffixes=("", "_here"))
    assert len(both) == len(authors) == len(vendor)
    assert (both["tokens"] == both["tokens_here"].round()).all()


@pytest.mark.shared
def test_the_collected_file_has_only_models_without_a_maker(real: SignalData):
    (only,) = notable(real)
    assert only.startswith("openrouter: undisclosed models: 6 models")
