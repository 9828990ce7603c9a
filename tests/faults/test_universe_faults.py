"""A universe that does not hold together: one message, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UniverseError
from universes.loader import load

HEAD = 'layers = ["compute", "labs"]\n'
ONE = '[[entities]]\nid = "one"\nlayer = "compute"\n'
LINE = '[[lines]]\nsymbol = "ONE"\nentity = "one"\nmic = "XNYS"\ncurrency = "USD"\n'


def refusal(tmp_path: Path, text: str) -> str:
    """Return the message for a universe file."""
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UniverseError) as caught:
        load("own.toml", base=tmp_path)
    return str(caught.value)


def test_the_small_universe_is_sound(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(HEAD + ONE + LINE, encoding="utf-8")
    assert len(load("own.toml", base=tmp_path).lines) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEAD + ONE + LINE.replace("XNYS", "XNYZ"),
            "own.toml:5: unknown mic 'XNYZ'; did you mean 'XNYS'?",
        ),
        (
            HEAD + ONE + LINE.replace("USD", "RUB"),
            "own.toml:5: unknown currency 'RUB'; known are CNY, EUR, GBP, HKD, KRW, "
            "USD",
        ),
        (
            HEAD + ONE + LINE.replace('currency = "USD"\n', ""),
            "own.toml:5: currency is missing; known are CNY, EUR",
        ),
        (
            HEAD + ONE + LINE.replace('"one"', '"onne"'),
            "own.toml:5: unknown entity 'onne'; did you mean 'one'?",
        ),
        (
            HEAD + ONE + LINE.replace('entity = "one"\n', ""),
            "own.toml:5: entity is missing",
        ),
        (HEAD + ONE + LINE + LINE, "own.toml:10: symbol 'ONE' is written twice"),
        (HEAD + ONE + ONE, "own.toml:5: entity 'one' is written twice"),
        (
            HEAD
            + ONE
            + LINE
            + "primary = true\n"
            + LINE.replace('"ONE"', '"TWO"')
            + "primary = true\n",
            "own.toml:11: one has a second primary line; ONE is the first",
        ),
        (
            HEAD + ONE + LINE + LINE.replace('"ONE"', '"TWO"'),
            "own.toml:5: one has 2 lines and none is primary: ONE, TWO",
        ),
        (
            HEAD + ONE.replace('"compute"', '"computing"'),
            "own.toml:2: unknown layer 'computing'; did you mean 'compute'?",
        ),
        (
            HEAD + ONE + 'secondary = ["cloud"]\n',
            "own.toml:2: unknown layer 'cloud'; known are compute, labs",
        ),
        (
            HEAD + ONE + 'secondary = ["compute"]\n',
            "own.toml:2: layer 'compute' is written twice",
        ),
        (
            HEAD + ONE.replace('"compute"', '"none"') + 'secondary = ["labs"]\n',
            "own.toml:2: secondary 'labs' of an entity without a layer",
        ),
        (
            HEAD + ONE + 'parent = "tow"\n',
            "own.toml:2: unknown parent 'tow'; known are one",
        ),
        (
            HEAD + ONE + 'declared = "soon"\n',
            "own.toml:2: declared = 'soon' is not a date; write YYYY-MM-DD",
        ),
        (HEAD + ONE + 'kind = "lab"\n', "own.toml:2: unknown kind 'lab'; known are"),
        (HEAD + ONE + "sector = 1\n", "own.toml:2: unknown field 'sector'"),
        (HEAD + ONE + "name = 1\n", "own.toml:2: name = 1 is not a text"),
        (
            HEAD + ONE + LINE + "shares_per_receipt = -2\n",
            "own.toml:5: shares_per_receipt = -2 is not a number above zero",
        ),
        (
            HEAD + ONE + LINE + 'primary = "maybe"\n',
            "own.toml:5: primary = 'maybe' is neither yes nor no",
        ),
        (
            HEAD + ONE + LINE.replace("ONE", "688256.SH").replace("XNYS", "XSHG"),
            "own.toml:5: symbol '688256.SH' does not belong to XSHG; "
            "Yahoo writes '688256.SS'",
        ),
        (
            HEAD + ONE + LINE.replace("ONE", "0700.HK"),
            "own.toml:5: symbol '0700.HK' does not belong to XNYS",
        ),
        (ONE, "own.toml: layers is missing"),
        (HEAD, "own.toml: no entity"),
        ('layers = ["none"]\n' + ONE, "own.toml: layer 'none' is reserved"),
        ("colour = 1\n" + HEAD + ONE, "own.toml: unknown field 'colour'"),
        (
            HEAD + '[legs]\nends = ["cloud"]\n' + ONE,
            "own.toml: [legs]: unknown layer 'cloud'",
        ),
        (
            HEAD + '[legs]\nends = ["labs"]\nmiddle = ["labs"]\n' + ONE,
            "layer 'labs' stands in 'ends' and in 'middle'",
        ),
        (
            HEAD + '[documents]\nA = "2025"\n' + ONE,
            "own.toml: document A: write { available = DATE, title = TEXT }",
        ),
        (
            HEAD
            + "[documents]\nA1 = { available = 2025-01-01 }\n"
            + ONE
            + 'documents = ["A2"]\n',
            "own.toml:4: unknown document 'A2'; known are A1",
        ),
        (HEAD + "entities = 3\n", "own.toml: write entities as [[entities]] tables"),
        (HEAD + "[[entities]\n", "own.toml: not valid TOML"),
    ],
)
def test_one_clear_message(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


def test_problems_come_together_and_at_most_five(tmp_path: Path) -> None:
    wrong = LINE.replace("USD", "RUB")
    lines = [wrong.replace("ONE", f"N{number}") for number in range(7)]
    told = refusal(tmp_path, HEAD + ONE + "".join(lines))
    assert told.count("unknown currency") == 5
    assert told.endswith("and 3 more")  # two currencies, and no primary line


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ai-stak", "unknown universe 'ai-stak'; did you mean 'ai-stack'?"),
        ("nowhere.toml", "unknown universe 'nowhere.toml'; packaged are ai-placebo"),
    ],
)
def test_an_unknown_universe(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UniverseError, match="unknown universe") as caught:
        load(name, base=tmp_path)
    assert message in str(caught.value)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("layers:\n", encoding="utf-8")
    with pytest.raises(UniverseError, match=r"ends in \.toml"):
        load("own.yaml", base=tmp_path)


def folder(tmp_path: Path, entities: str, lines: str = "symbol,entity\n") -> Path:
    own = tmp_path / "own"
    own.mkdir()
    (own / "universe.toml").write_text(HEAD, encoding="utf-8")
    (own / "entities.csv").write_text(entities, encoding="utf-8")
    (own / "lines.csv").write_text(lines, encoding="utf-8")
    return own


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ("", "own/entities.csv: the file is empty"),
        ("id,layer\n", "own/universe.toml: no entity"),
        ("id,layer\none,compute,labs\n", "own/entities.csv:2: 3 fields where"),
        ("id,layer\n\none,cloud\n", "own/entities.csv:3: unknown layer 'cloud'"),
        ('id,layer\n"one,compute\n', "own/entities.csv:2: unexpected end of data"),
    ],
)
def test_a_bad_row_of_a_csv_file(tmp_path: Path, entities: str, message: str) -> None:
    folder(tmp_path, entities)
    with pytest.raises(UniverseError) as caught:
        load("own", base=tmp_path)
    assert message in str(caught.value)


def test_a_folder_without_its_files(tmp_path: Path) -> None:
    own = folder(tmp_path, "id,layer\none,compute\n")
    (own / "lines.csv").unlink()
    with pytest.raises(UniverseError, match=r"own/lines\.csv: no such file"):
        load("own", base=tmp_path)


def test_another_encoding(tmp_path: Path) -> None:
    own = folder(tmp_path, "id,layer\n")
    (own / "entities.csv").write_bytes("id,layer\nzürich,compute\n".encode("latin-1"))
    with pytest.raises(UniverseError, match=r"own/entities\.csv: not UTF-8"):
        load("own", base=tmp_path)
