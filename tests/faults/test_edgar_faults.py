"""A service that limits, fails, lies or hangs."""

from __future__ import annotations

import socket

import pytest

from engine.errors import DataError
from engine.sources.filings.client import ATTEMPTS, LONGEST_WAIT, EdgarClient, Pace
from engine.sources.filings.edgar import EdgarSignals, capex_rows, fetch_concepts
from tests.company_concepts import (
    CONTACT,
    PPE,
    Answer,
    Clock,
    document,
    fact,
    from_documents,
    serving,
)
from universes.loader import load

GOOD = document([fact("2023-01-01", "2023-03-31", 10, "2023-04-27")])


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_that_passes_is_waited_out(status: int):
    def answer(path: str, count: int) -> Answer:
        return Answer(body=GOOD) if count == 2 else Answer(status=status)

    with serving(answer) as server:
        assert server.client().fetch("/x") == GOOD
    assert len(server.seen) == 3
    first, second = server.clock.slept
    assert 1.0 <= first <= 1.5
    assert 2.0 <= second <= 3.0


def test_a_limit_that_stays_ends_with_one_message():
    with (
        serving(lambda path, count: Answer(status=429)) as server,
        pytest.raises(DataError, match=rf"answered 429, {ATTEMPTS} times in a row"),
    ):
        EdgarSignals(client=server.client()).load(load("ai-stack"))
    assert len(server.seen) == ATTEMPTS


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7.0), ("99999", LONGEST_WAIT), ("nonsense", 1.0)]
)
def test_retry_after_is_obeyed_within_reason(asked: str, waited: float):
    def answer(path: str, count: int) -> Answer:
        limited = Answer(status=429, headers={"Retry-After": asked})
        return Answer(body=GOOD) if count else limited

    with serving(answer) as server:
        server.client().fetch("/x")
    assert waited <= server.clock.slept[0] <= 1.5 * waited


def test_a_refusal_is_final_and_says_why():
    with (
        serving(lambda path, count: Answer(status=403)) as server,
        pytest.raises(DataError, match="does not accept the contact"),
    ):
        server.client().fetch("/x")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(body=GOOD[:200]), "gave no JSON"),
        (Answer(body=GOOD[:200], length=len(GOOD)), "cut short"),
        (Answer(body=b"<html>limit</html>"), "gave no JSON"),
        (Answer(body=b"[]"), "not an object"),
        (Answer(body=b"\xff\xfe{"), "gave no JSON"),
        (Answer(body=GOOD, headers={"Content-Encoding": "gzip"}), "could not be read"),
        (Answer(hang=True), "timed out"),
    ],
)
def test_what_is_no_document_is_refused(answer: Answer, reason: str):
    with (
        serving(lambda path, count: answer) as server,
        pytest.raises(DataError, match=reason),
    ):
        server.client(timeout=0.1 if answer.hang else 10.0).fetch("/x")
    assert len(server.seen) == ATTEMPTS


def test_a_dead_network_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clock = Clock()
    client = EdgarClient(
        contact=CONTACT,
        base=f"http://127.0.0.1:{port}",
        pace=Pace(clock=lambda: clock.now, sleep=clock.sleep),
    )
    with pytest.raises(DataError, match="could not be read"):
        client.fetch("/x")


def test_a_company_without_the_concepts_is_named():
    with (
        serving(from_documents({})) as server,
        pytest.raises(DataError, match="company 320193 has none of"),
    ):
        fetch_concepts(server.client(), 320193)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": None}, "missing or unreadable"),
        ({"filed": "27/04/2023"}, "missing or unreadable"),
        ({"val": "10"}, "is no number"),
        ({"val": True}, "is no number"),
    ],
)
def test_a_broken_entry_is_named_with_its_row(change: dict[str, object], said: str):
    good = fact("2022-01-01", "2022-03-31", 9, "2022-04-27")
    wrong = fact("2023-01-01", "2023-03-31", 10, "2023-04-27") | change
    with pytest.raises(DataError, match=f"meta: {PPE}, entry 2.*{said}"):
        capex_rows("meta", {PPE: document([good, wrong])})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "no company-concept document"),
        (b'{"tag": "x", "units": []}', "no company-concept document"),
        (b'{"tag": "x", "units": {"EUR": []}}', "no amounts in USD; it has EUR"),
        (b'{"tag": "x", "units": {"USD": [3]}}', "not an object"),
        (b'{"tag": "x", "units": {"USD": []}}', "no quarter follows"),
    ],
)
def test_another_format_is_refused(body: bytes, said: str):
    with pytest.raises(DataError, match=said):
        capex_rows("meta", {PPE: body})


@pytest.mark.parametrize(
    "change",
    [
        {"val": 1e300},
        {"val": float("nan")},
        {"end": "2022-03-31"},
        {"filed": "2023-03-01"},
    ],
)
def test_an_entry_that_cannot_be_true_is_left_out_and_named(change: dict[str, object]):
    """Filers do date a period wrongly now and then: one entry stops nothing."""
    good = fact("2022-01-01", "2022-03-31", 9, "2022-04-27")
    wrong = fact("2023-01-01", "2023-03-31", 10, "2023-04-27") | change
    rows, found = capex_rows("meta", {PPE: document([good, wrong])})
    assert list(rows["value"]) == [9.0]
    (only,) = found
    assert only.severity == "warning"
    assert only.where == f"capex_quarterly: meta: {PPE}"
    assert only.what.startswith("impossible entry: ")
