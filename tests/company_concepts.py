"""Company-concept documents in the SEC's format, and a loopback server for them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from engine.sources.filings.client import EdgarClient, Pace
from engine.sources.filings.edgar import COMPANIES

PPE = "PaymentsToAcquirePropertyPlantAndEquipment"
PRODUCTIVE = "PaymentsToAcquireProductiveAssets"
CONTACT = "Assay Tests tests@example.com"


def fact(start: str, end: str, val: float, filed: str, form: str = "10-Q") -> dict:
    """One entry as the SEC serves it; `val` in whole dollars."""
    year = dt.date.fromisoformat(filed).year
    return {
        "start": start,
        "end": end,
        "val": val,
        "accn": f"0000000000-{year % 100:02d}-{filed[5:7]}{filed[8:]}00",
        "fy": year,
        "fp": "FY" if form.startswith("10-K") else "Q1",
        "form": form,
        "filed": filed,
    }


def document(facts: list[dict], *, concept: str = PPE, cik: int = 1) -> bytes:
    """A whole company-concept document."""
    return json.dumps(
        {
            "cik": cik,
            "taxonomy": "us-gaap",
            "tag": concept,
            "label": "Payments to Acquire",
            "description": "The cash outflow ...",
            "entityName": "COMPANY",
            "units": {"USD": facts},
        }
    ).encode()


def address(entity: str, concept: str) -> str:
    return (
        f"/api/xbrl/companyconcept/CIK{COMPANIES[entity]:010d}/us-gaap/{concept}.json"
    )


@dataclass
class Answer:
    """What the server says once."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    hang: bool = False


@dataclass
class Clock:
    """A clock that only its own sleep moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Server:
    """A loopback server; `answer(path, count)` gives the count-th answer of a path."""

    answer: Callable[[str, int], Answer]
    base: str = ""
    seen: list[tuple[str, str, float]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def client(self, *, timeout: float = 10.0) -> EdgarClient:
        """A client of this server on the server's clock."""
        return EdgarClient(
            contact=CONTACT,
            base=self.base,
            pace=Pace(clock=lambda: self.clock.now, sleep=self.clock.sleep),
            timeout=timeout,
            jitter=random.Random(7),
        )


@contextlib.contextmanager
def serving(answer: Callable[[str, int], Answer]) -> Iterator[Server]:
    """Serve answers on the loopback interface while the block runs."""
    told = Server(answer=answer)
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            agent = self.headers.get("User-Agent", "")
            count = sum(path == self.path for path, _, _ in told.seen)
            told.seen.append((self.path, agent, told.clock.now))
            said = told.answer(self.path, count)
            if said.hang:
                released.wait(20)
                return
            self.send_response(said.status)
            length = len(said.body) if said.length is None else said.length
            for name, value in (
                {"Content-Type": "application/json", "Content-Length": str(length)}
                | said.headers
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield told
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def from_documents(documents: dict[str, bytes]) -> Callable[[str, int], Answer]:
    """Answer each path with its document, and 404 else."""

    def answer(path: str, count: int) -> Answer:
        if path in documents:
            return Answer(body=documents[path])
        return Answer(status=404, body=b"<?xml version='1.0'?><Error/>")

    return answer
