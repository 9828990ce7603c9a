"""What `import engine` offers: every name resolves, and the stub says the same."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import engine

STUB = Path(engine.__file__).with_suffix(".pyi")


def test_every_public_name_resolves_to_the_one_of_its_module() -> None:
    assert engine.register_thesis.__module__ == "engine.registering"
    assert engine.keep_diary.__module__ == "engine.diary"
    for name in engine.__all__:
        assert getattr(engine, name).__name__ == name


def test_the_stub_names_what_is_exported() -> None:
    told = {}
    for node in ast.walk(ast.parse(STUB.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            told |= {alias.asname: node.module for alias in node.names}
    assert sorted(told) == engine.__all__
    for name, module in told.items():
        assert getattr(sys.modules[str(module)], str(name)) is getattr(
            engine, str(name)
        )


def test_nothing_is_loaded_before_it_is_used() -> None:
    code = (
        "import sys, engine; "
        "assert 'engine.diary' not in sys.modules and 'pandas' not in sys.modules; "
        "engine.register_thesis; "
        "assert 'engine.registering' in sys.modules; "
        "assert 'engine.diary' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=STUB.parents[1])
