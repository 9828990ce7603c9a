"""Fixtures shared by all kinds of evidence."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN_SKIPS: list[str] = []

# Shared machines are slow now and then: a deadline would test the machine.
settings.register_profile("assay", deadline=None, derandomize=True)
settings.load_profile("assay")


def pytest_configure() -> None:
    """Listen to signals again where the tests were started in the background.

    A shell ignores Ctrl-C for what runs behind it, and what is ignored is inherited:
    the commands that the tests interrupt would ignore it, too.
    """
    for name, usual in (
        ("SIGINT", signal.default_int_handler),
        ("SIGHUP", signal.SIG_DFL),
        ("SIGTERM", signal.SIG_DFL),
    ):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


def _absent(reason: str, variable: str) -> None:
    """Skip, or fail where the environment says that nothing may be absent."""
    if os.environ.get(variable):
        pytest.fail(f"{reason}, and {variable} forbids skipping")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def no_draftsmen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw in the tests' own process, whose engine is warm, unless a test asks."""
    monkeypatch.setattr("reports.draftsmen.spare_processors", lambda: 0)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The evaluation material beside the checkout; skips where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        _absent("no ../shared beside the checkout", "ASSAY_REQUIRE_SHARED")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; skips where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        _absent("no Chromium on this machine", "ASSAY_REQUIRE_BROWSER")
    return str(found)


@pytest.fixture(scope="session")
def pdftoppm() -> str:
    """Path of pdftoppm; skips where there is none."""
    found = shutil.which("pdftoppm")
    if not found:
        _absent("no pdftoppm (poppler-utils) on this machine", "ASSAY_REQUIRE_BROWSER")
    return str(found)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note tests that were skipped although the environment forbids it."""
    needs = {"shared": "ASSAY_REQUIRE_SHARED", "browser": "ASSAY_REQUIRE_BROWSER"}
    for mark, variable in needs.items():
        if report.skipped and mark in report.keywords and os.environ.get(variable):
            FORBIDDEN_SKIPS.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session when a test was skipped that must not be."""
    if FORBIDDEN_SKIPS:
        print("\nskipped, but must not be:", *FORBIDDEN_SKIPS, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
