"""Reading a thesis: what it becomes, where its parts stand, what may be replaced."""

from __future__ import annotations

import datetime as dt
import hashlib
import pickle
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ThesisError, UsageError
from engine.thesis.model import Thesis
from engine.thesis.reader import override, parse, read
from engine.thesis.source_map import Path as Place
from engine.thesis.source_map import source_map
from engine.thesis.structure import SECTIONS
from engine.thesis.template import starting_thesis
from engine.thesis.vocabulary import Vocabulary
from tests.thesis_words import GOOD, WORDS, problems, thesis, words


def test_a_thesis_becomes_typed_values() -> None:
    document = thesis(GOOD)
    found = document.thesis
    assert found.about.start == dt.date(2023, 1, 3)
    assert found.barbell["distribution"].layers == ("cloud", "application")
    assert found.portfolio.layers == {"memory": (0.05, 0.30)}
    assert found.factors[0].exposure == {"cloud": 1.0, "labs": -1.0}
    assert found.events[0].at == dt.date(2025, 1, 27)
    assert found.events[1].at == dt.datetime(2025, 1, 20, 13, tzinfo=dt.UTC)
    assert found.claims[0].params == {
        "event": "selloff",
        "long": "compute",
        "short": "labs",
        "window": [2, 120],
    }
    assert document.digest == hashlib.sha256(GOOD.encode()).hexdigest()
    assert dict(document.overrides) == {}


def test_a_quoted_date_is_a_date() -> None:
    quoted = GOOD.replace("start = 2023-01-03", 'start = "2023-01-03"')
    quoted = quoted.replace("by = 2026-12-31", 'by = "2026-12-31"')
    quoted = quoted.replace("at = 2025-01-20T13:00:00Z", 'at = "2025-01-20T13:00:00Z"')
    read_so = thesis(quoted).thesis
    assert read_so.about == thesis(GOOD).thesis.about
    assert read_so.events == thesis(GOOD).thesis.events


def test_a_thesis_crosses_a_process_and_comes_back_from_json() -> None:
    document = thesis(GOOD)
    assert pickle.loads(pickle.dumps(document)).thesis == document.thesis
    text = GOOD.replace("by = 2026-12-31\n", "")  # a test's own keys stay as written
    written = thesis(text).thesis.model_dump_json(by_alias=True)
    assert Thesis.model_validate_json(written) == thesis(text).thesis
    with pytest.raises(ThesisError) as caught:
        thesis("a = 1")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "thesis.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read(path, words).thesis == thesis(GOOD).thesis


def test_the_universe_is_asked_for_as_the_file_names_it() -> None:
    asked: list[str] = []

    def remember(universe: str) -> Vocabulary:
        asked.append(universe)
        return WORDS

    parse(GOOD, path="thesis.toml", vocabulary=remember)
    own = GOOD.replace('lines = "primary"', 'name = "../own/universe.toml"')
    parse(own, path="thesis.toml", vocabulary=remember)
    assert asked == ["ai-stack", "../own/universe.toml"]


def test_the_same_factor_twice_needs_other_parameters() -> None:
    second = '[[factors]]\nname = "price_momentum"\nweight = 0.1\n'
    text = GOOD.replace("[scoring]", f"{second}\n[scoring]")
    assert "already counted, line 25" in problems(text)[0]
    other = text.replace(second, f"{second}params = {{ sessions = 252 }}\n")
    assert problems(other) == []


def test_a_role_of_ones_own_can_be_named_and_claimed() -> None:
    text = GOOD.replace('role = "token_share"', 'role = "downloads"')
    assert "unknown role 'downloads'" in problems(text)[0]
    named = text.replace("[signals]", '[signals]\ndownloads = "hub_downloads"')
    assert problems(named) == []


def test_a_leg_may_bear_the_name_of_the_one_layer_it_holds() -> None:
    assert problems(GOOD.replace("[barbell.middle]", "[barbell.labs]")) == []


# --- where things stand


def test_lines_of_keys_items_and_inline_tables() -> None:
    text = (
        "# comment [not.a.table]\n"
        'top = """a\n'
        '"= not a key""" # ends here\n'
        "[a.'b c']\n"
        "list = [ # [\n"
        "  1,\n"
        "  [2,\n"
        "   '#'],\n"
        "]\n"
        'in = { "x\\u0079" = 1, z.w = "}" }\n'
        "[[many]]\n"
        "[[many]]\n"
        "[many.inner]\n"
        "when = 2025-01-27 10:00:00\n"
        "[[many.deep]]\n"
        "k = 1\n"
    )
    tomllib.loads(text)
    line = source_map(text).line
    assert line(("top",)) == 2
    assert line(("a",)) == line(("a", "b c")) == 4
    assert line(("a", "b c", "list", 0)) == 6
    assert line(("a", "b c", "list", 1, 1)) == 8
    assert line(("a", "b c", "in", "xy")) == 10
    assert line(("a", "b c", "in", "z", "w")) == 10
    assert line(("many", 0)) == 11
    assert line(("many", 1)) == 12
    assert line(("many", 1, "inner", "when")) == 14
    assert line(("many", 1, "deep", 0, "k")) == 16
    assert line(("many", 1, "missing")) == 12
    assert line(("nothing",)) == 1


def places_in(value: object, path: Place = ()) -> list[Place]:
    """Return the path of everything in a parsed text."""
    found: list[Place] = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places_in(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found += places_in(inner, (*path, position))
    return found


@pytest.mark.parametrize("text", [GOOD, starting_thesis("ends")])
def test_every_key_and_item_has_a_line(text: str) -> None:
    lines = source_map(text).lines
    assert set(lines) == set(places_in(tomllib.loads(text)))


KEYS = st.sampled_from(["a", "b-1", '"c d"', "'e.f'", '"\\u0067"'])
SCALARS = st.sampled_from(
    ["1", "-1.5e3", "true", '"x # ] } , = "', "'\\'", '""', '"\\""', '"""a\n"b" ""c"""',
     "'''\n[a]\n'''", "2025-01-27", "2025-01-27 10:00:00Z", "inf", '"""x"""""']
)  # fmt: skip
GAPS = st.sampled_from(["", " ", "\n", " # [ ' \"\n", "\n\n"])


@st.composite
def values(draw: st.DrawFn, depth: int = 3) -> str:
    kind = draw(st.integers(0, 3)) if depth else 0
    if kind == 1:
        items = [draw(values(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
        gap = draw(GAPS)
        return f"[{gap}{f',{gap}'.join(items)}{',' if items else ''}{gap}]"
    if kind == 2:
        keys = draw(st.lists(KEYS, unique=True, max_size=3))
        return "{ " + ", ".join(f"{k} = {draw(values(depth - 1))}" for k in keys) + " }"
    return draw(SCALARS)


@st.composite
def documents(draw: st.DrawFn) -> str:
    parts = []
    for name in draw(st.lists(st.sampled_from(["p", "q", "r"]), max_size=5)):
        repeated = name == "p"
        parts.append(f"[[{name}]]" if repeated else f"[{name}.{len(parts)}]")
        keys = draw(st.lists(KEYS, unique=True, max_size=3))
        parts += [f"{key} = {draw(values())}{draw(st.sampled_from(['', ' # x']))}"
                  for key in keys]  # fmt: skip
    return "\n".join(parts)


@settings(max_examples=200, deadline=None)
@given(documents())
def test_the_map_finds_exactly_what_tomllib_finds(text: str) -> None:
    raw = tomllib.loads(text)
    found = source_map(text)
    assert set(found.lines) == set(places_in(raw))
    windows = source_map(text.replace("\n", "\r\n"))
    assert windows.lines == found.lines
    shifted = source_map("# one line more\n" + text)
    assert {at: line - 1 for at, line in shifted.lines.items()} == found.lines


# --- what may be replaced


def test_an_override_is_checked_and_written_down() -> None:
    document = thesis(GOOD)
    first = override(document, start=dt.date(2024, 1, 2), capital=5e6)
    second = override(
        first, end="2025-10-30", lines="us", seed=7, rebalance="quarterly"
    )
    assert second.thesis.about.start == dt.date(2024, 1, 2)
    assert second.thesis.about.end == dt.date(2025, 10, 30)
    assert second.thesis.execution.capital == 5e6
    assert second.thesis.universe.lines == "us"
    assert second.thesis.universe.exclude == document.thesis.universe.exclude
    assert dict(second.overrides) == {
        "start": "2024-01-02",
        "capital": "5000000.0",
        "end": "2025-10-30",
        "lines": "us",
        "seed": "7",
        "rebalance": "quarterly",
    }
    assert dict(document.overrides) == {}
    assert second.digest == document.digest
    assert override(document) is document


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"start": dt.date(2027, 1, 1)}, "--start: end 2026-06-30 is not after start"),
        ({"end": "2020-01-01"}, "--end: end 2020-01-01 is not after start 2023-01-03"),
        ({"start": "soon"}, "--start: expected a date such as 2025-01-27"),
        ({"capital": -1.0}, "--capital: expected a number above 0, found -1.0"),
        ({"capital": "10m"}, "--capital: expected a number, found '10m'"),
        ({"capital": float("nan")}, "--capital: expected a finite number"),
        ({"lines": "uss"}, "--lines: .*did you mean 'us'"),
        ({"seed": 1.5}, "--seed: expected a whole number, found 1.5"),
        ({"slippage_bps": -2.0}, "--slippage-bps: expected at least 0"),
        ({"rebalance": "weekly"}, "--rebalance: expected 'monthly', 'quarterly' or"),
    ],
)
def test_a_bad_override_names_its_option(chosen: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        override(thesis(GOOD), **chosen)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2


# --- what ships


def test_the_example_is_short_and_valid(root: Path) -> None:
    path = root / "examples" / "minimal.toml"
    assert read(path, words).thesis.about.id == "minimal"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 12


def test_the_starting_thesis_is_valid_and_bears_its_name() -> None:
    text = starting_thesis("China's open weights")
    found = thesis(text).thesis
    assert found.about.id == "China-s-open-weights"
    assert found.about.title.startswith("China s open weights: ")
    assert {"[scoring]", "[execution]"} <= set(text.splitlines())
    assert [event.planted for event in found.events] == [False]
    assert {claim.test for claim in found.claims} == {"event_contrast", "layer_spread"}
    assert max(map(len, text.splitlines())) <= 88


@pytest.mark.parametrize("name", ["", "///", "论文"])
def test_a_thesis_needs_a_name(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a thesis"):
        starting_thesis(name)


def test_every_table_of_the_model_is_known_to_the_messages() -> None:
    names = {field.alias or name for name, field in Thesis.model_fields.items()}
    assert set(SECTIONS) == names - {"signals", "baskets", "readings"}


def test_reading_takes_milliseconds() -> None:
    text = starting_thesis("ends")
    thesis(text)
    fastest = 1.0
    for _ in range(5):
        began = time.perf_counter()
        thesis(text)
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 0.05


def test_reading_loads_no_arrays(root: Path) -> None:
    program = (
        "import sys, engine.thesis.reader, engine.thesis.schema;"
        "print({'numpy', 'pandas', 'scipy', 'cvxpy'} & set(sys.modules))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert out.stdout.strip() == "set()"


def test_a_vocabulary_without_its_universe_keeps_the_catalogues() -> None:
    bare = WORDS.without_universe()
    assert bare == replace(
        WORDS,
        layers=(),
        tickers=frozenset(),
        benchmarks=frozenset(),
        entities=frozenset(),
        line_currencies=(),
        aliases={},
    )
