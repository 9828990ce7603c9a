"""A small client for the SEC's data service: polite, patient, clear in failure."""

from __future__ import annotations

import email.utils
import gzip
import http.client
import json
import os
import random
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.errors import DataError, UsageError

#: Where company facts are served.
BASE = "https://data.sec.gov"
#: The setting that says who is asking; the SEC refuses requests that do not.
CONTACT = "ASSAY_SEC_CONTACT"
#: Seconds between two requests: the SEC allows ten a second.
INTERVAL = 0.1
#: Tries of one address before giving up.
ATTEMPTS = 5
#: Seconds of the first wait after a failure (doubled each time), and of the longest.
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
TIMEOUT = 30.0
RETRIED = (429, 500, 502, 503, 504)


@dataclass(slots=True, kw_only=True)
class Pace:
    """Lets one request pass per `INTERVAL`; a request that comes early waits."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free_at: float = field(default=float("-inf"), init=False)

    def wait(self) -> None:
        """Return when the next request may start."""
        early = self._free_at - self.clock()
        if early > 0:
            self.sleep(early)
        self._free_at = max(self.clock(), self._free_at) + INTERVAL


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgarClient:
    """Fetches JSON documents below `base`; `contact` goes into the User-Agent.

    `contact` is a name and an e-mail address, as the SEC asks for. Waits are made with
    `pace.sleep`, so a test can run them on a clock of its own.
    """

    contact: str
    base: str = BASE
    pace: Pace = field(default_factory=Pace)
    timeout: float = TIMEOUT
    jitter: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        check_contact(self.contact)

    def fetch(self, path: str) -> bytes | None:
        """Return the JSON document at `path` as bytes, or None where there is none.

        A 429, a server error, a time-out and a document cut short are tried again,
        `ATTEMPTS` times in all, with waits that double and jitter, or as long as
        ``Retry-After`` says.

        Raises
        ------
        DataError
            The SEC refuses, or does not answer with JSON however often it is asked.
        """
        address = self.base.rstrip("/") + path
        failure, asked = "", None
        for attempt in range(ATTEMPTS):
            if attempt:
                self.pace.sleep(self._wait(attempt, asked))
            self.pace.wait()
            asked = None
            try:
                return _json_bytes(self._read(address))
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 404:
                        return None
                    failure = f"answered {error.code}"
                    if error.code not in RETRIED:
                        raise DataError(_refusal(address, error.code)) from error
                    asked = _retry_after(error.headers.get("Retry-After"))
            except (OSError, http.client.HTTPException, zlib.error, EOFError) as error:
                failure = f"could not be read ({_reason(error)})"
            except ValueError as error:
                failure = f"gave no JSON ({error})"
        raise DataError(
            f"{address}: {failure}, {ATTEMPTS} times in a row; try again later, "
            "nothing was stored"
        )

    def _read(self, address: str) -> bytes:
        """Return the body at an address, unpacked."""
        request = urllib.request.Request(
            address,
            headers={"User-Agent": self.contact, "Accept-Encoding": "gzip"},
        )
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:
            body: bytes = answer.read()
            packed = answer.headers.get("Content-Encoding") == "gzip"
        return gzip.decompress(body) if packed else body

    def _wait(self, attempt: int, asked: float | None) -> float:
        """Return the seconds to wait before an attempt, at most `LONGEST_WAIT`."""
        if asked is not None:
            return min(asked, LONGEST_WAIT)
        doubled = FIRST_WAIT * 2.0 ** (attempt - 1)
        return min(doubled * self.jitter.uniform(1.0, 1.5), LONGEST_WAIT)


def stated_contact(given: str | None) -> str:
    """Return the contact given, else the setting `CONTACT`; `UsageError` without."""
    contact = given if given is not None else os.environ.get(CONTACT, "")
    check_contact(contact)
    return contact


def check_contact(contact: str) -> None:
    """Raise `UsageError` unless a contact names someone with an e-mail address."""
    if not contact.strip():
        raise UsageError(
            "the SEC answers only those who say who they are: set "
            f'{CONTACT}="Your Name you@example.com"'
        )
    if "@" not in contact or not (contact.isascii() and contact.isprintable()):
        raise UsageError(
            f"{CONTACT}: {contact!r} is no contact; give a name and an e-mail address "
            'in plain letters on one line, as in "Your Name you@example.com"'
        )


def _json_bytes(body: bytes) -> bytes:
    """Return the body if it is a JSON object; raise `ValueError` where it is not."""
    if not isinstance(json.loads(body), dict):
        raise ValueError("not an object")
    return body


def _refusal(address: str, code: int) -> str:
    """Return what to tell a user whom the SEC refuses for good."""
    if code == 403:
        return (
            f"{address}: answered 403: the SEC does not accept the contact in "
            f"{CONTACT}, or has shut this network out for ten minutes"
        )
    return f"{address}: answered {code}, which trying again will not change"


def _retry_after(header: str | None) -> float | None:
    """Return the seconds a ``Retry-After`` asks for; None if it says nothing usable."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(moment.timestamp() - time.time(), 0.0)


def _reason(error: Exception) -> str:
    """Return what went wrong in a few words."""
    if isinstance(error, http.client.IncompleteRead):
        return "cut short"
    reason = getattr(error, "reason", None) or error
    return str(reason) or type(error).__name__
