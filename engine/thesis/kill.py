"""What would end a thesis: criteria with dates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from engine.thesis.section import Date, Identifier, Number, Section, Text, Whole


class Kill(Section):
    """``[[kill]]``: what would end the thesis, stated before it happens.

    About an account: `drawdown` (its fall from a peak) or `behind` with `by` (how far
    its growth since the start lies behind another's). About a signal: `role` with
    `above` or `below`, `times` in a row, or with `off_peak`. Without a `deadline` the
    thesis stops as soon as the condition is met; with one, it stops on that day unless
    it was met by then.
    """

    id: Identifier
    says: Text
    path: str = Field(default="barbell", description="The account that is watched.")
    drawdown: Annotated[Number, Field(gt=0.0, lt=1.0)] | None = Field(
        default=None, description="Stop when the account has fallen so far from a peak."
    )
    behind: str | None = Field(
        default=None, description="Another account, which it must not fall behind."
    )
    by: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None, description="How far behind, as a share of the other's worth."
    )
    role: str | None = Field(default=None, description="The signal that is watched.")
    entity: str | None = None
    above: Number | None = None
    below: Number | None = None
    off_peak: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None, description="How far below its highest value so far."
    )
    times: Annotated[Whole, Field(ge=1)] = Field(
        default=1, description="Observations in a row that must meet it."
    )
    deadline: Date | None = Field(
        default=None, description="Stop on this day unless the condition was met by it."
    )
    claim: str | None = Field(
        default=None, description="Id of a claim that is refuted when this stops it."
    )
    declared: Date | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> Kill:
        kinds = {
            "drawdown": self.drawdown is not None,
            "behind": self.behind is not None,
            "role": self.role is not None,
        }
        if sum(kinds.values()) != 1:
            raise ValueError(
                "give exactly one condition: 'drawdown', 'behind' with 'by', or 'role' "
                "with 'above' or 'below'"
            )
        if (self.behind is None) != (self.by is None):
            raise ValueError("'behind' and 'by' belong together")
        lines = [one is not None for one in (self.above, self.below, self.off_peak)]
        if sum(lines) != (1 if kinds["role"] else 0):
            raise ValueError(
                "a 'role' needs exactly one of 'above', 'below' and 'off_peak', and "
                "nothing else takes them"
            )
        if self.deadline is not None and not kinds["role"]:
            raise ValueError("a 'deadline' needs a 'role': the condition to be met")
        return self
