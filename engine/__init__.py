"""Assay: put an investment thesis to the test.

``import engine; result = engine.run("open_weights.toml")`` gives everything the
command line has. Importing this package is cheap: names are resolved at first use
(PEP 562); ``__init__.pyi`` gives type checkers the same names.
"""

from __future__ import annotations

import importlib

_HOME = {
    "run": "engine.app",
    "read_thesis": "engine.app",
    "load_universe": "engine.app",
    "load_market": "engine.supply",
    "Choice": "engine.supply",
    "write_report": "engine.deliver",
    "StudyResult": "engine.study_result",
    "StudyInputs": "engine.study_inputs",
    "run_study": "engine.study",
    "run_to_folder": "engine.deliver",
    "register_thesis": "engine.registering",
    "Registered": "engine.registering",
    "keep_diary": "engine.diary",
    "Diary": "engine.runs.diary",
    "Thesis": "engine.thesis.model",
    "Universe": "engine.market.listing",
    "Entity": "engine.market.listing",
    "Line": "engine.market.listing",
    "Market": "engine.market.market",
    "Known": "engine.market.market",
    "Backtest": "engine.ledger.backtest",
    "EventStudy": "engine.evidence.results",
    "Claims": "engine.evidence.results",
    "AssayError": "engine.errors",
    "ThesisError": "engine.errors",
    "DataError": "engine.errors",
    "InfeasibleError": "engine.errors",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Resolve a public name at first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, for completion in a notebook."""
    return __all__
