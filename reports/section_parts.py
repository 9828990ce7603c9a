"""What every section of the report is put together from."""

from __future__ import annotations

from collections.abc import Sequence

from engine.study_result import StudyResult
from reports import (
    words,
)
from reports.document import (
    Block,
    Figure,
    Readout,
    Section,
)
from reports.vega import Spec, finished


def section(identifier: str, title: str, blocks: Sequence[Block | None]) -> Section:
    """Return a section without the blocks that there is nothing for."""
    kept = tuple(block for block in blocks if block is not None)
    return Section(id=identifier, title=title, blocks=kept)


def figure(
    result: StudyResult,
    identifier: str,
    spec: Spec,
    caption: str,
    description: str,
    readout: Readout | None = None,
) -> Figure:
    """Return a figure; a simulated study stamps it."""
    return Figure(
        id=identifier,
        caption=caption,
        description=description,
        spec=finished(spec, stamp=words.stamp(result)),
        readout=readout,
    )
