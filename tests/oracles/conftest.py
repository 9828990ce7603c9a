"""The flagship, run once per session and shared by every test that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import app, deliver
from engine.study_result import StudyResult
from tests.flagship import (
    FLAGSHIP,
    Record,
    lines_of,
    real_options,
    record_of_files,
    record_of_sample,
)


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyResult]:
    """The flagship on the sample world: its run folder and its result."""
    target = tmp_path_factory.mktemp("runs") / "flagship"
    return deliver.run_to_folder(FLAGSHIP, out=target)


@pytest.fixture(scope="session")
def sample_study(sample_run: tuple[Path, StudyResult]) -> StudyResult:
    """The flagship on the sample world."""
    return sample_run[1]


@pytest.fixture(scope="session")
def real_study(shared: Path) -> StudyResult:
    """The flagship on the real files, as the README runs it."""
    return app.run(FLAGSHIP, **real_options(shared))


@pytest.fixture(scope="session")
def sample_record(sample_study: StudyResult) -> Record:
    """The sample world's closes and fixes, with the moment of each."""
    return record_of_sample(sample_study)


@pytest.fixture(scope="session")
def real_record(real_study: StudyResult, shared: Path) -> Record:
    """The closes and fixes of the real files, with the moment of each."""
    return record_of_files(shared, lines_of(real_study))


WORLDS = [
    pytest.param("sample", marks=pytest.mark.xdist_group("sample")),
    pytest.param("real", marks=[pytest.mark.shared, pytest.mark.xdist_group("real")]),
]


@pytest.fixture(params=WORLDS)
def study(request: pytest.FixtureRequest) -> StudyResult:
    """The flagship, once on the sample world and once on the real files."""
    found: StudyResult = request.getfixturevalue(f"{request.param}_study")
    return found


@pytest.fixture
def record(request: pytest.FixtureRequest, study: StudyResult) -> Record:
    """The closes and fixes behind `study`."""
    world = "sample" if study.simulated else "real"
    found: Record = request.getfixturevalue(f"{world}_record")
    return found
