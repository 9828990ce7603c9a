"""Folders of prices and signals that are broken: one clear message each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.interfaces import PriceData, SignalData
from engine.market.listing import Entity, Line, Universe
from engine.sources.files import FolderPrices, FolderSignals

NVIDIA = Line(symbol="NVDA", entity="nvidia", mic="XNAS", currency="USD")
HYNIX = Line(symbol="000660.KS", entity="sk_hynix", mic="XKRX", currency="KRW")
UNIVERSE = Universe(
    name="test",
    title="Test",
    layers=("compute",),
    entities={
        "nvidia": Entity(id="nvidia", name="Nvidia", kind="company", layer="compute")
    },
    lines={"NVDA": NVIDIA},
    benchmarks={},
)
HEADER = "series,entity,value_date,known_at,value,unit,quality,source\n"
GOOD = "date,close\n2025-01-24,5\n2025-01-27,4\n"
FX = '[fx]\npairs = ["KRW=X"]\nfix = "14:15"\ntimezone = "Europe/Berlin"\n'


def write(folder: Path, name: str, content: str | bytes) -> Path:
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    return folder


def prices(folder: Path, *lines: Line) -> PriceData:
    asked = lines or (NVIDIA,)
    return FolderPrices(folder).load(asked, dt.date(2025, 1, 1), dt.date(2025, 12, 31))


def signals(folder: Path) -> SignalData:
    return FolderSignals(folder).load(UNIVERSE)


class TestBrokenPrices:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (
                "date,close\n2025-01-24,5\n2025-01-27,4\n2025-01-24,5\n",
                r"NVDA\.csv, row 4: date 2025-01-24 appears twice \(first in row 2\)",
            ),
            (
                "date,close\n2025-01-27,5\n2025-01-24,4\n",
                r"row 3: date 2025-01-24 comes before.*oldest first",
            ),
            ("date,close\n2025-01-24,5\n2025-01-27,-4\n", r"row 3: close -4.*positive"),
            ("date,close\n2025-01-24,0\n", r"row 2: close 0.* is not positive"),
            ("date,close\n2025-01-24,5\n2025-01-27,abc\n", "row 3: close 'abc' is not"),
            ('date,close\n2025-01-24,"1,234.5"\n', "close '1,234.5' is not a number"),
            ("date,close\n2025-01-24,True\n", "row 2: close 'True' is not a number"),
            ("date,close\n2025-01-24,inf\n", "row 2: close is infinite"),
            ("date,close,volume\n2025-01-24,5,-1\n", "row 2: volume -1 is negative"),
            ("date,close,open\n2025-01-24,5,-1\n", "row 2: open -1 is not positive"),
            ("date,close\n", r"NVDA\.csv: has a header and no rows"),
            ("date,close\n\n,\n", "has a header and no rows"),
            ("", r"NVDA\.csv: the file is empty"),
            ("   \n", r"NVDA\.csv: the file is empty"),
            ("day,close\n2025-01-24,5\n", "no column date; it has day, close"),
            ("date;close\n2025-01-24;5\n", "no column date; it has date;close"),
            ("date,open\n2025-01-24,5\n", "no column close or adj_close; it has date"),
            ("date,close\n2025-01-24,\n", "no close or adj_close in any row"),
            ("date,close\n,5\n", "row 2: has no date"),
            ("date,close\n01/27/2025,5\n", r"date '01/27/2025' is not a day as in"),
            ("date,close\n20250127,5\n", "date '20250127' is not a day"),
            ("date,close\n2025-02-30,5\n", "date '2025-02-30' is not a day"),
            (
                "date,close\n2025-01-26 15:00:00+00:00,5\n",
                "date '2025-01-26 15:00:00.00:00' is not a day",
            ),
            (
                "date,close\n2025-01-24,5,6,7\n2025-01-27,4,6,7\n",
                "more cells|not a tab",
            ),
            ("date,close\n2025-01-24,5\n2025-01-27,4,9\n", "line 3"),
            ('date,close\n2025-01-24,"5\n', "not a table"),
            ("date,Close,close\n2025-01-24,5,5\n", "columns appear twice: close"),
        ],
    )
    def test_one_message_names_file_row_and_fault(
        self, tmp_path: Path, content: str, message: str
    ) -> None:
        with pytest.raises(DataError, match=message) as caught:
            prices(write(tmp_path, "NVDA.csv", content))
        assert "NVDA.csv" in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "content",
        [
            "date,close,note\n2025-01-24,5,caf\xe9\n".encode("latin-1"),
            GOOD.encode("utf-16"),
            GOOD.encode("utf-16-le"),
        ],
    )
    def test_another_encoding_is_named(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(DataError, match=r"NVDA\.csv.*not UTF-8"):
            prices(write(tmp_path, "NVDA.csv", content))

    def test_a_parquet_file_that_is_none_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"NVDA\.parquet: not a Parquet file"):
            prices(write(tmp_path, "NVDA.parquet", b"PAR1 but no more"))

    def test_nested_columns_are_named(self, tmp_path: Path) -> None:
        nested = pd.DataFrame({("close", "NVDA"): [5.0]}, index=["2025-01-24"])
        nested.to_parquet(tmp_path / "NVDA.parquet")
        with pytest.raises(DataError, match=r"NVDA\.parquet: columns or rows are nes"):
            prices(tmp_path)

    def test_only_the_files_asked_for_are_read(self, tmp_path: Path) -> None:
        write(tmp_path, "BROKEN.csv", "")
        write(tmp_path, "NVDA.csv", GOOD)
        assert list(prices(tmp_path).frames) == ["NVDA"]


class TestBrokenFolders:
    def test_a_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder of price files"):
            prices(tmp_path / "absent")
        with pytest.raises(DataError, match="no such folder of signals"):
            signals(tmp_path / "absent")

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        write(tmp_path, "NVDA.csv", GOOD)
        with pytest.raises(DataError, match="not a folder"):
            prices(tmp_path / "NVDA.csv")

    def test_a_folder_without_any_price_file(self, tmp_path: Path) -> None:
        write(tmp_path, "notes.txt", "nothing")
        with pytest.raises(DataError, match=r"holds no price files \(\*\.csv or"):
            prices(tmp_path)

    def test_a_folder_of_other_lines_says_what_it_holds(self, tmp_path: Path) -> None:
        write(tmp_path, "TSM.csv", GOOD)
        with pytest.raises(DataError, match=r"\(NVDA\); it holds TSM\.csv"):
            prices(tmp_path)

    def test_two_files_for_one_line(self, tmp_path: Path) -> None:
        write(tmp_path, "NVDA.csv", GOOD)
        write(tmp_path, "NVDA.parquet", b"")
        with pytest.raises(DataError, match=r"NVDA\.csv and NVDA\.parquet"):
            prices(tmp_path)

    def test_a_file_in_the_wrong_case_is_pointed_out(self, tmp_path: Path) -> None:
        write(tmp_path, "NVDA.csv", GOOD)
        write(tmp_path, "000660.ks.csv", GOOD)
        (found,) = prices(tmp_path, NVIDIA, HYNIX).findings
        assert "000660.ks.csv differs from the symbol in case" in found.what

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[fx\n", "not valid TOML"),
            ('[fx]\nfix = "14:15"\n', r"\[fx\] has no timezone"),
            ('[fx]\nfixed = "14:15"\n', "not fixed. did you mean 'fix'"),
            (FX.replace("14:15", "25:00"), "fix = '25:00' is not a time of day"),
            (FX.replace("Berlin", "Berlitz"), "'Europe/Berlitz' is not a time zone"),
            (FX.replace('["KRW=X"]', '"KRW=X"'), "is not a list of symbols"),
        ],
    )
    def test_settings_that_cannot_be_read(
        self, tmp_path: Path, text: str, message: str
    ) -> None:
        write(tmp_path, "NVDA.csv", GOOD)
        write(tmp_path, "folder.toml", text)
        with pytest.raises(DataError, match=r"folder\.toml: .*" + message):
            prices(tmp_path)


class TestPricesThatCanBeRead:
    def test_any_case_any_subset_blanks_and_a_byte_order_mark(
        self, tmp_path: Path
    ) -> None:
        text = (
            "\ufeffDate,Adj Close,Open,Dividends\n2025-01-24,5,,0\n2025-01-27,,,0\n\n"
        )
        write(tmp_path, "NVDA.csv", text)
        frame = prices(tmp_path).frames["NVDA"]
        assert list(frame.columns) == ["adj_close"]
        np.testing.assert_array_equal(frame["adj_close"], [5.0, np.nan])
        assert frame.index.name == "session"
        assert frame.index.dtype == "datetime64[ns]"

    def test_the_midnight_of_yahoos_own_index_is_a_day(self, tmp_path: Path) -> None:
        text = "Date,Close\n2025-03-07 00:00:00-05:00,5\n2025-03-10 00:00:00-04:00,6\n"
        frame = prices(write(tmp_path, "NVDA.csv", text)).frames["NVDA"]
        assert list(frame.index.strftime("%m-%d")) == ["03-07", "03-10"]

    def test_parquet_gives_what_csv_gives(self, tmp_path: Path) -> None:
        stamps = pd.to_datetime(["2025-01-24", "2025-01-27"]).tz_localize("Asia/Seoul")
        frame = pd.DataFrame(
            {"Open": [4.0, 5.0], "Close": [5.0, 4.0]},
            index=stamps.as_unit("s").rename("Date"),
        )
        frame.to_parquet(tmp_path / "NVDA.parquet")
        plain = frame.set_axis(stamps.tz_localize(None).rename("Date"))
        (tmp_path / "other").mkdir()
        plain.to_csv(tmp_path / "other" / "NVDA.csv")
        pd.testing.assert_frame_equal(
            prices(tmp_path).frames["NVDA"], prices(tmp_path / "other").frames["NVDA"]
        )

    def test_a_time_of_day_in_parquet_is_refused(self, tmp_path: Path) -> None:
        stamps = pd.to_datetime(["2025-01-23 15:00"]).tz_localize("UTC")
        frame = pd.DataFrame({"close": [5.0]}, index=stamps.rename("date"))
        frame.to_parquet(tmp_path / "NVDA.parquet")
        with pytest.raises(DataError, match=r"parquet, row 1: date .* time of day"):
            prices(tmp_path)

    def test_history_before_the_start_stays_and_the_end_cuts(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, "NVDA.csv", "date,close\n2020-01-02,5\n2026-01-02,6\n")
        frame = prices(tmp_path).frames["NVDA"]
        assert list(frame.index.year) == [2020]

    def test_oddities_are_found_and_not_repaired(self, tmp_path: Path) -> None:
        text = (
            "date,high,low,close,adj_close\n"
            "2025-01-24,4,5,4.5,4.5\n2025-01-27,5,4,4.5,\n"
        )
        loaded = prices(write(tmp_path, "NVDA.csv", text))
        told = [finding.what for finding in loaded.findings]
        assert told == [
            "1 row has high below low",
            "1 row has a close without an adjusted close",
        ]
        assert list(loaded.frames["NVDA"]["high"]) == [4.0, 5.0]

    def test_the_fix_is_known_at_its_own_time(self, tmp_path: Path) -> None:
        write(tmp_path, "000660.KS.csv", GOOD)
        write(tmp_path, "KRW=X.csv", "date,close\n2025-01-27,1430\n2025-07-01,1350\n")
        write(tmp_path, "folder.toml", FX)
        loaded = prices(tmp_path, HYNIX)
        won = loaded.fixings["KRW"]
        assert list(won.fixed_utc.astype("datetime64[m]").astype(str)) == [
            "2025-01-27T13:15",
            "2025-07-01T12:15",
        ]
        assert list(won.per_usd) == [1430.0, 1350.0]
        assert loaded.findings == ()

    def test_without_a_stated_fix_a_rate_is_known_at_the_end_of_its_day(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, "000660.KS.csv", GOOD)
        write(tmp_path, "KRW=X.csv", "date,close\n2025-01-27,1430\n")
        loaded = prices(tmp_path, HYNIX)
        assert str(loaded.fixings["KRW"].fixed_utc[0])[:16] == "2025-01-27T23:59"
        (found,) = loaded.findings
        assert found.severity == "warning"
        assert "23:59 UTC" in found.action

    def test_pairs_and_files_that_do_not_match_are_found(self, tmp_path: Path) -> None:
        write(tmp_path, "NVDA.csv", GOOD)
        write(tmp_path, "EUR=X.csv", "date,close\n2025-01-27,0.95\n")
        write(tmp_path, "folder.toml", FX)
        told = {found.where: found.what for found in prices(tmp_path).findings}
        assert told == {
            "EUR=X": "not among the pairs of folder.toml",
            "KRW=X": "named in folder.toml, but has no file",
        }

    def test_the_digest_follows_the_content_of_what_was_used(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, "NVDA.csv", GOOD)
        before = prices(tmp_path).origin
        write(tmp_path, "TSM.csv", GOOD)
        assert prices(tmp_path).origin.digest == before.digest
        write(tmp_path, "NVDA.csv", GOOD.replace("4\n", "4.0\n"))
        assert prices(tmp_path).origin.digest != before.digest
        assert not before.simulated


def row(**cells: str) -> str:
    usual = {
        "series": "token_share",
        "entity": "nvidia",
        "value_date": "2025-02-16",
        "known_at": "2025-02-17T00:00:00Z",
        "value": "0.5",
        "unit": "fraction",
        "quality": "observed",
        "source": "router",
    }
    return ",".join((usual | cells).values()) + "\n"


class TestSignals:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (HEADER + row(known_at=""), "row 2: has no known_at"),
            (HEADER + row() + row(value=""), "row 3: has no value"),
            (HEADER + row(series=""), "row 2: has no series"),
            (HEADER + row(value="high"), "row 2: value 'high' is not a number"),
            (HEADER + row(value="inf"), "row 2: value is infinite"),
            (HEADER + row(quality="observd"), "quality 'observd'.*mean 'observed'"),
            (HEADER + row(known_at="17.2.2025"), "known_at '17.2.2025' is not a mome"),
            (HEADER + row(known_at="2025-02-31"), "known_at '2025-02-31' is not a mo"),
            (HEADER + row(value_date="Q1 2025"), "value_date 'Q1 2025' is not a day"),
            (
                HEADER + row(known_at="2025-02-15T23:00:00Z"),
                "row 2: known_at 2025-02-15T23:00:00Z lies before value_date",
            ),
            (
                HEADER + row() + row(value="0.6"),
                "row 3: token_share of nvidia for 2025-02-16 .* appears twice",
            ),
            (HEADER, "has a header and no rows"),
            ("", "the file is empty"),
            (
                HEADER.replace(",known_at", "") + "a,b,2025-02-16,1,u,observed,s\n",
                "no column known_at; the long format has series, entity",
            ),
        ],
    )
    def test_one_message_names_file_row_and_fault(
        self, tmp_path: Path, content: str, message: str
    ) -> None:
        with pytest.raises(DataError, match=message) as caught:
            signals(write(tmp_path, "observations.csv", content))
        assert "observations.csv" in str(caught.value)

    def test_a_forecast_may_be_known_before_its_date(self, tmp_path: Path) -> None:
        ahead = row(quality="forecast", known_at="2024-02-15T23:00:00Z")
        loaded = signals(write(tmp_path, "a.csv", HEADER + ahead))
        assert len(loaded.signals.observations) == 1

    def test_the_same_observation_in_two_files_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path, "a.csv", HEADER + row())
        write(tmp_path, "b.csv", HEADER + row(value_date="2025-01-16") + row())
        with pytest.raises(DataError, match=r"b\.csv: token_share of nvidia"):
            signals(tmp_path)

    def test_observations_are_sorted_by_when_they_became_known(
        self, tmp_path: Path
    ) -> None:
        later = row(known_at="2025-03-01T00:00:00+08:00")
        write(tmp_path, "a.csv", HEADER + later + row(value="0.4"))
        rows = signals(tmp_path).signals.observations
        assert list(rows["value"]) == [0.4, 0.5]
        assert list(rows["known_at"].astype(str)) == [
            "2025-02-17 00:00:00",
            "2025-02-28 16:00:00",
        ]

    def test_a_restatement_keeps_both_vintages(self, tmp_path: Path) -> None:
        again = row(known_at="2025-03-01T00:00:00Z", value="0.7")
        held = signals(write(tmp_path, "a.csv", HEADER + row() + again)).signals
        assert len(held.observations) == 2
        assert list(held.read("token_share")["value"]) == [0.7]
        assert list(held.first(1).read("token_share")["value"]) == [0.5]

    def test_unclear_moments_are_late_rather_than_early_and_reported(
        self, tmp_path: Path
    ) -> None:
        naive = row(entity="amd", known_at="2025-02-17T09:30")
        write(tmp_path, "a.csv", HEADER + row(known_at="2025-02-17") + naive)
        loaded = signals(tmp_path)
        assert list(loaded.signals.observations["known_at"].astype(str)) == [
            "2025-02-17 09:30:00",
            "2025-02-18 00:00:00",
        ]
        told = [found.what for found in loaded.findings]
        assert told[0] == "1 row gives known_at as a day without a time"
        assert told[1] == "1 row gives known_at without a time zone"

    def test_entities_outside_the_universe_are_kept_and_listed(
        self, tmp_path: Path
    ) -> None:
        loaded = signals(write(tmp_path, "a.csv", HEADER + row(entity="openrouter")))
        (found,) = loaded.findings
        assert found.severity == "info"
        assert "openrouter" in found.what
        assert len(loaded.signals.observations) == 1

    def test_a_word_that_pandas_takes_for_nothing_stays_a_word(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.csv", HEADER + row(entity="NA", unit=""))
        (only,) = signals(tmp_path).signals.observations.to_dict("records")
        assert (only["entity"], only["unit"]) == ("NA", "")

    def test_roles_default_to_series_that_are_there(self, tmp_path: Path) -> None:
        text = HEADER + row(series="capex_quarterly") + row(series="my_share")
        write(tmp_path, "a.csv", text)
        assert signals(tmp_path).signals.roles == {"capex": "capex_quarterly"}
        write(tmp_path, "roles.toml", 'token_share = "my_share"\n')
        assert signals(tmp_path).signals.roles == {
            "capex": "capex_quarterly",
            "token_share": "my_share",
        }

    def test_a_role_of_a_series_that_is_not_there(self, tmp_path: Path) -> None:
        write(tmp_path, "a.csv", HEADER + row(series="my_share"))
        write(tmp_path, "roles.toml", 'token_share = "my_shares"\n')
        with pytest.raises(DataError, match=r"roles\.toml.*did you mean 'my_share'"):
            signals(tmp_path)

    def test_a_folder_without_signals(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"holds no signals \(\*\.csv\)"):
            signals(tmp_path)
