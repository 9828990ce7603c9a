"""The pages under docs/ say what the code has: keys, defaults, tests, links, words."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic.fields import FieldInfo

import engine
from engine import app, period, study_paths
from engine.cli.main import COMMANDS, cli
from engine.evidence import (
    attribution,
    event_battery,
    event_models,
    event_panel,
    event_placebo,
    event_pool,
    event_ranks,
    performance,
    placebo_starts,
    regression,
    regression_factors,
    scenarios,
    score,
    verdict,
    windows,
)
from engine.evidence.claims import CLAIM_TESTS, context, event_windows, statistics
from engine.evidence.mechanisms import MECHANISMS
from engine.evidence.performance import METRICS
from engine.evidence.results import VerdictWord
from engine.market import (
    calendar,
    coverage,
    quality,
    quality_moves,
    quality_series,
)
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.portfolio import barbell, scoring
from engine.sources.files.signals import DEFAULT_ROLES
from engine.thesis.model import Expected, Section
from engine.thesis.stress import Input, State
from engine.thesis.structure import LISTS, SECTIONS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
NEEDED = "**needed**"
MINUTES = windows.REACTION_TIME.astype("timedelta64[m]").astype(int)
DRAWS = inspect.signature(performance.performance_table).parameters["draws"].default
#: Page -> what it says of the constants in the code.
SAID = {
    "thesis.md": [
        f"more than {period.LONGEST_CLOSURE} days earlier end the study",
        f"| {', '.join(app.CALENDARS)} |",
        f"| {', '.join(app.CURRENCIES)} |",
        f"The roles are {', '.join(f'`{role}`' for role in app.ROLES)};",
    ],
    "market.md": [
        f"more than {period.LONGEST_CLOSURE} days before",
        f"more than {coverage.SLACK_SESSIONS} own sessions late",
        f"from {calendar.COVERED[0].year} to {calendar.COVERED[1].year}",
        *(f"{one} follow" for one in ("ARCX and OTCM", "XSHE", "XKOS")),
    ],
    "data_check.md": [
        f"on {quality_series.STALE_SESSIONS} sessions or more in a row",
        f"more than {quality_series.LARGE_STEP:.0%} in a day".replace("%", " %"),
        f"more than {coverage.SLACK_SESSIONS} own sessions before",
        f"more than {quality.RATE_GAP.astype(int)} days before",
        f"beyond {quality_moves.MOST_RATE_SIGMAS:g} robust",
        f"at least {quality_moves.LEAST_RATE_MOVE:.0%} (as".replace("%", " %"),
        f"{quality_moves.MAIN_BOARD:.0%}; {quality_moves.GROWTH_BOARD:.0%} for STAR "
        f"and ChiNext ({', '.join(quality_moves.GROWTH_PREFIXES)})".replace("%", " %"),
        f"first {quality_moves.FREE_SESSIONS} sessions",
        f"| Korea | {quality_moves.KOREA:.0%} |".replace("%", " %"),
        f"{quality_moves.MOST_SIGMAS:g} robust standard deviations of",
        f"from {quality_moves.FEWEST} returns on",
        f"at least {quality_moves.LEAST_MOVE:g} (",
        f"within {quality_moves.NEAR:g} of",
        ", ".join(f"{one}" for one in quality_moves.SPLITS[1:-1]),
        *(f"`{word}`" for word in quality.SEVERITIES),
    ],
    "scoring.md": [
        f"{scoring.WINSOR_MADS:g} x {scoring.MAD_TO_SIGMA} x MAD",
        f"at least {scoring.MIN_PAST} values",
        f"[-{scoring.ZSCORE_LIMIT:g}, {scoring.ZSCORE_LIMIT:g}]",
        "{monthly} sessions ({quarterly} for quarterly)".format(
            **barbell.PERIOD_SESSIONS
        ),
    ],
    "ledger.md": [
        f"{study_paths.BEFORE} home sessions before",
        f"ends {study_paths.AFTER} sessions after",
        ", ".join(f"{100 * q:g}" for q in [*placebo_starts.BANDS.values()][:-1])
        + f" and {100 * placebo_starts.BANDS['q95']:g} %",
        f"fewer than {placebo_starts.FEWEST_STARTS} dates, or fewer than "
        f"{placebo_starts.FEWEST_APART} apart",
    ],
    "performance.md": [
        ", ".join(f"{mic} {days:g}" for mic, days in SESSIONS_PER_YEAR.items()),
        f"{DRAWS:,} resamples",
        f"Below {performance.FEWEST_RETURNS} returns",
    ],
    "attribution.md": [
        f"from {regression_factors.MOMENTUM_FROM} to {regression_factors.MOMENTUM_TO} "
        "sessions ago",
        f"Needs {regression_factors.FEWEST_RANKED} assets",
        f"less than {regression_factors.ABSENT_BELOW:.0%} of".replace("%", " %"),
        f"Below {regression.FEWEST_SESSIONS} sessions",
        f"more than {regression_factors.HOURS_APART.astype(int)} hours before",
        *(f"| `{effect}` |" for effect in attribution.EFFECTS),
    ],
    "events.md": [
        f"at least {MINUTES} minutes after",
        f"fewer than {windows.FEWEST_ESTIMATION_RETURNS} returns",
        f"longer than {event_panel.LONG_WINDOW} sessions",
        "approximate: {} to {} % from {} firms on".format(
            *(f"{100 * rate:.1f}" for rate in event_ranks.GRANK_SIZES),
            event_ranks.GRANK_FIRMS,
        ),
        f"a factor of {event_placebo.VOLATILITY_RATIO} of",
        f"({event_placebo.VOLATILITY_SESSIONS} sessions in excess",
        f"windows that end by session {event_pool.LAST_OF_REACTION}",
        {5: "below five the mean is no law"}[event_pool.FEWEST_EVENTS],
        *(f"| `{kind}` |" for kind in typing.get_args(event_models.ModelKind)),
        *(f"`{test}`" for test in event_battery.TESTS),
    ],
    "stress.md": [
        f"none of the last {scenarios.FRESH.astype(int)} days",
        f"shares sum to {scenarios.LISTED:g} to {scenarios.MOST:g}",
        *(f"### `{name}`" for name in MECHANISMS),
        *(
            f"`{one.name}`"
            for kind in MECHANISMS.values()
            for one in dataclasses.fields(kind.inputs)
        ),
        *(f"| `{name}` |" for part in (Input, State) for name in part.model_fields),
    ],
    "claims.md": [
        {5: "A law needs five events"}[event_windows.FEWEST_EVENTS],
        f"Needs {context.FEWEST_RETURNS} daily returns",
        f"q < {verdict.FALSE_DISCOVERY_RATE:.2f}",
        f"level 1 - {verdict.FALSE_DISCOVERY_RATE:.2f} R / m",
        ", ".join(f"{name} {weight}" for name, weight in score.QUALITY.items()),
        f"{score.DRAWS:,} joint resamples",
        f"blocks of mean length {score.BLOCK_SESSIONS}",
        f"cut at {statistics.MOST_Z:g}",
    ],
}
#: Lines of a snippet that need nothing but a result.
FROM_A_RESULT = re.compile(r"(decision|account) = |(result|decision|account)\b(?! =)")
#: A key of a table row: | `key` | ... or | `one`, `two` | ... or | `one` or `two` | ...
FIRST_CELL = re.compile(r"^\| ((?:`[^`]+`(?:, | or )?)+)(?: [^|]*)?\|", re.MULTILINE)


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def sections(text: str, level: int) -> dict[str, str]:
    """Return heading -> what stands below it, up to the next heading as high."""
    parts = re.split(rf"^#{{1,{level}}} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def keys_in(text: str) -> list[str]:
    return [
        key
        for cell in FIRST_CELL.findall(text)
        for key in re.findall("`([^`]+)`", cell)
    ]


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def heading_of(table: str) -> str:
    if table == "barbell":
        return "`[barbell.NAME]`"
    return f"`[[{table}]]`" if table in LISTS else f"`[{table}]`"


def rows_of(table: str) -> dict[str, list[str]]:
    """Return key -> the cells of its row in docs/thesis.md."""
    below = sections(text_of("thesis.md"), 2)[heading_of(table)]
    cells = [line.strip("| ").split(" | ") for line in below.splitlines()]
    return {row[0].strip("`"): row for row in cells if row[0].startswith("`")}


def fields_of(section: type[Section]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the keys of a table as its page writes them."""
    for name, field in section.model_fields.items():
        if field.annotation is Expected:
            for inner, other in Expected.model_fields.items():
                yield f"{name}.{inner}", other
        else:
            yield field.alias or name, field


def shown(field: FieldInfo) -> str:
    """Return a default as its page writes it."""
    value = field.default
    if field.is_required():
        return NEEDED
    if value in (None, "", {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`" + str(value).translate(str.maketrans("()'", '[]"')) + "`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def choices(annotation: object) -> Iterator[str]:
    """Yield every word that a field allows, where they are counted."""
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
    for inner in typing.get_args(annotation):
        if not isinstance(inner, str):
            yield from choices(inner)


@pytest.mark.parametrize("table", SECTIONS)
def test_every_key_of_the_model_is_on_the_page(table: str) -> None:
    assert sorted(rows_of(table)) == sorted(
        name for name, _ in fields_of(SECTIONS[table])
    )


@pytest.mark.parametrize("table", SECTIONS)
def test_every_default_and_choice_is_the_model_s(table: str) -> None:
    rows = rows_of(table)
    for name, field in fields_of(SECTIONS[table]):
        default = shown(field).replace(",]", "]")
        assert rows[name][2] == default, (table, name)
        for word in choices(field.annotation):
            assert f'"{word}"' in rows[name][1], (table, name)


def test_signals_are_described_too() -> None:
    below = sections(text_of("thesis.md"), 2)["`[signals]`"]
    for role in ("token_share", "vendor_share", "tokens", "capex"):
        assert f"`{role}`" in below


def test_default_roles_are_those_of_the_folder_source() -> None:
    for role, series in DEFAULT_ROLES.items():
        assert f"| `{role}` | `{series}` |" in text_of("market.md")


def test_every_claim_test_and_each_of_its_keys_is_on_the_page() -> None:
    page = sections(text_of("claims.md"), 3)
    described = {name.strip("`") for name in page if name.startswith("`")}
    assert described == set(CLAIM_TESTS)
    for name, test in CLAIM_TESTS.items():
        # the last section runs on into the headings above it
        below = re.split(r"^## ", page[f"`{name}`"], flags=re.MULTILINE)[0]
        wanted = [field.name for field in dataclasses.fields(test.params)]
        assert sorted(keys_in(below)) == sorted(wanted), name


def test_every_verdict_has_its_rule() -> None:
    rows = re.findall(r"^\| (\w+) \|", text_of("claims.md"), re.MULTILINE)
    assert set(typing.get_args(VerdictWord)) <= set(rows)


def test_every_metric_is_defined() -> None:
    assert set(METRICS) <= set(keys_in(text_of("performance.md")))


def test_every_table_of_a_run_is_listed() -> None:
    """The names are read from the source: computing the tables needs a whole study."""
    source = (ROOT / "reports" / "tables.py").read_text(encoding="utf-8")
    function = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "tables"
    )
    found = next(node for node in ast.walk(function) if isinstance(node, ast.Dict))
    names = [key.value for key in found.keys if isinstance(key, ast.Constant)]
    below = sections(text_of("reports.md"), 2)["Tables"]
    assert sorted(keys_in(below)) == sorted(names)


def test_the_index_has_every_page_and_decision() -> None:
    linked = set(re.findall(r"\]\(([^)]+)\)", text_of("README.md")))
    pages = {page.name for page in PAGES} - {"README.md"}
    decisions = {f"decisions/{path.name}" for path in (DOCS / "decisions").iterdir()}
    assert linked == pages | decisions


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_snippets_are_valid(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for snippet in fenced(text, "toml"):
        tomllib.loads(snippet)
    for snippet in fenced(text, "python"):
        compile(snippet, page.name, "exec")


@pytest.mark.parametrize("page", SAID)
def test_constants_are_those_of_the_code(page: str) -> None:
    for phrase in SAID[page]:
        assert phrase in text_of(page), phrase


def test_every_calendar_is_named() -> None:
    for mic in calendar.known_mics():
        assert mic in text_of("market.md"), mic


@pytest.fixture(scope="module")
def result() -> engine.StudyResult:
    return engine.run(
        ROOT / "examples" / "open_weights.toml", start="2024-12-02", end="2025-03-31"
    )


def test_what_pages_take_from_a_result_is_there(result: engine.StudyResult) -> None:
    """Every line that starts from a result runs, page by page."""
    ran = 0
    for page in PAGES:
        known = {"result": result, "engine": engine}
        for snippet in fenced(page.read_text(encoding="utf-8"), "python"):
            for line in snippet.splitlines():
                if FROM_A_RESULT.match(line):
                    exec(compile(line, page.name, "exec"), known)
                    ran += 1
    assert ran > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages_call_only_public_names(page: Path) -> None:
    for snippet in fenced(page.read_text(encoding="utf-8"), "python"):
        called = re.findall(r"\bengine\.([A-Za-z_]+)\(", snippet)
        assert set(called) <= set(dir(engine))


def options() -> set[str]:
    """Return every option of every command."""
    found = {"--help", "--version"}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        below = command.commands.values() if isinstance(command, click.Group) else ()
        for one in (command, *below):
            for parameter in one.params:
                found.update(parameter.opts)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_and_options_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"\bassay ([a-z]+)\b", text)) <= {*COMMANDS, "for"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= options()
