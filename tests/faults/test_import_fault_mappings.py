"""Mappings that cannot be used, and files that cannot be imported together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import DataError, UsageError
from engine.imports import read_files
from engine.sources.imports.mapping import FileMapping, read_mapping
from engine.sources.imports.understand import understand
from engine.sources.store.store import Store
from tests.import_cases import (
    GOOD,
    UNIVERSE,
    bars,
    refused,
    save,
)

MAPPINGS = {
    "not TOML": ("field =", ("not valid TOML",)),
    "an unknown key": ('feild = "close"', ("'feild'", "did you mean 'field'?")),
    "a strange key": ('xyzzy = "close"', ("'xyzzy'", "known are layout")),
    "a wrong type": ("field = 3", ("field = 3 is no text",)),
    "an unknown word": ('layout = "wyde"', ("none of 'long', 'wide'", "'wide'?")),
    "an unknown column": (
        '[columns]\ndat = "Datum"',
        ("[columns] knows no 'dat'", "did you mean 'date'?"),
    ),
    "columns that are no texts": ("[columns]\ndate = 3", ("table of texts",)),
    "columns that are no table": ('columns = "Datum"', ("table of texts",)),
    "no lag": ('lag = "soon"', ("'soon' is no publication lag", "'45d'")),
    "a lag without a unit": ('lag = "45"', ("'45' is no publication lag",)),
    "a header that is no row": ("header = 0", ("header = 0 is no row",)),
    "a header that is true": ("header = true", ("header = True is no row",)),
    "a line without exchange": (
        '[lines.MU]\ncurrency = "USD"',
        ("[lines.MU]", "mic = None", "XNYS"),
    ),
    "a line without currency": (
        '[lines.MU]\nmic = "XNAS"\ncurrency = "usd"',
        ("currency = 'usd'",),
    ),
    "a line with more": (
        '[lines.MU]\nmicc = "XNAS"',
        ("unknown key 'micc'", "did you mean 'mic'?"),
    ),
    "lines that are no table": ('lines = "MU"', ("table of tables",)),
    "a line that is no table": ('[lines]\nMU = "XNAS"', ("mic and currency",)),
}


@pytest.mark.parametrize("case", MAPPINGS)
def test_a_bad_mapping_gets_one_message(tmp_path: Path, case: str) -> None:
    text, words = MAPPINGS[case]
    place = save(tmp_path, "mapping.toml", text)
    with pytest.raises(DataError) as caught:
        read_mapping(place)
    for word in ("mapping.toml", *words):
        assert word in str(caught.value)


def test_a_column_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    place = save(tmp_path, "NVDA.csv", GOOD)
    refused(
        place,
        "no column 'Closing', which the mapping names for close",
        columns={"close": "Closing"},
    )
    refused(
        place,
        "'close' for two columns: close and adj_close",
        columns={"close": "close", "adj_close": "close"},
    )


def test_a_format_that_the_days_do_not_have(tmp_path: Path) -> None:
    place = save(tmp_path, "NVDA.csv", GOOD)
    refused(place, "row 2", "not of the form '%d.%m.%Y'", date_format="%d.%m.%Y")


# Several files


def test_one_bad_file_stores_nothing_of_the_others(tmp_path: Path) -> None:
    save(tmp_path, "NVDA.csv", GOOD)
    save(tmp_path, "AMD.csv", bars(close="ten"))
    found = read_files([tmp_path])
    assert [one.usable for one in found.files] == [False, True]
    assert found.refused.startswith("1 error above: nothing was stored")
    store = Store(tmp_path / "store")
    with pytest.raises(DataError, match="nothing was stored"):
        found.store(store)
    assert not store.folder.exists()


def test_what_is_no_table_in_a_folder_does_not_stop_the_rest(tmp_path: Path) -> None:
    save(tmp_path, "NVDA.csv", GOOD)
    save(tmp_path, "README.txt", "About these files\n\nthey, as a rule, are good\n")
    save(tmp_path, "notes.md", "more words")
    found = read_files([tmp_path])
    assert [one.kind for one in found.files] == ["prices", "not understood"]
    assert found.passed_over == ("notes.md",)
    assert found.refused == ""


def test_two_files_that_contradict_each_other(tmp_path: Path) -> None:
    save(tmp_path, "NVDA.csv", GOOD)
    save(tmp_path, "nvda.us.csv", bars(close="10.75"))
    found = read_files([tmp_path])
    first = "the first that differs is price.close of NVDA on 2025-01-23"
    assert first in found.findings["what"].iloc[0]
    assert found.findings["action"].str.contains("stored once").sum() == 0
    errors = found.findings[found.findings["severity"] == "error"]
    assert len(errors) == 1
    assert errors["where"].iloc[0] == "NVDA.csv, nvda.us.csv"
    assert "30 observations are said twice, 1 of them differently" in str(
        errors["what"].iloc[0]
    )
    assert found.refused


def test_two_files_that_agree_are_stored_once(tmp_path: Path) -> None:
    save(tmp_path, "NVDA.csv", GOOD)
    save(tmp_path, "nvda.us.csv", GOOD)
    found = read_files([tmp_path])
    assert found.refused == ""
    assert found.findings["what"].str.contains("0 of them differently").any()
    assert found.store(Store(tmp_path / "store")) == 30


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        read_files([tmp_path / "nowhere.csv"])
    with pytest.raises(DataError, match="holds no file to import"):
        read_files([tmp_path])


def test_what_is_fetched_keeps_its_source(tmp_path: Path) -> None:
    place = save(tmp_path, "NVDA.csv", GOOD)
    with pytest.raises(UsageError, match="take another name"):
        read_files([place], source="yahoo")
    mapping = save(tmp_path, "mapping.toml", 'source = "yahoo"\n')
    with pytest.raises(DataError, match="is taken by what is fetched"):
        read_files([place], mapping=mapping)
    with pytest.raises(UsageError, match="no publication lag"):
        read_files([place], lag="soon")


def test_noise_never_ends_in_anything_but_a_finding(tmp_path: Path) -> None:
    """A thousand sound files with random bytes changed, cut or doubled."""
    rng = np.random.default_rng(7)
    kinds = set()
    for _ in range(1000):
        content = bytearray(GOOD.encode())
        for _ in range(int(rng.integers(1, 6))):
            at, what = int(rng.integers(len(content))), int(rng.integers(4))
            if what == 0:
                content[at] = int(rng.integers(256))
            elif what == 1:
                del content[at : at + int(rng.integers(1, 40))]
            elif what == 2:
                content[at:at] = content[at : at + int(rng.integers(1, 40))]
            else:
                content[at:at] = bytes([rng.choice(list(b',;"\n\t. -'))])
            if not content:
                break
        file = understand(
            save(tmp_path, "NVDA.csv", bytes(content)),
            universe=UNIVERSE,
            mapping=FileMapping(),
        )
        kinds.add(file.kind)
        values = file.rows["value"].to_numpy(dtype=np.float64)
        assert np.isfinite(values).all()
        assert file.kind != "unreadable" or not file.usable
    assert kinds >= {"prices", "unreadable", "not understood"}
