"""What a thesis rests on and could fail: mechanisms, and scenarios of the world."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from engine.thesis.section import Date, Flag, Identifier, Number, Section, Text, Whole


def _signed(value: object) -> object:
    """Return ``"+"`` and ``"-"`` as 1 and -1, anything else as it is."""
    return {"+": 1.0, "-": -1.0}.get(value, value) if isinstance(value, str) else value


#: What helps a layer (up to 1) or harms it (down to -1); "+" and "-" are the ends.
Effect = Annotated[
    float,
    Field(strict=True, ge=-1.0, le=1.0),
    BeforeValidator(_signed),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["+", "-"]},
                {"type": "number", "minimum": -1, "maximum": 1},
            ]
        }
    ),
]


class Input(Section):
    """``[mechanisms.inputs]``: one number of a mechanism, and who says so."""

    value: Number
    low: Number | None = Field(default=None, description="Lower end, where disputed.")
    high: Number | None = Field(default=None, description="Upper end, where disputed.")
    unit: str = ""
    source: Text = Field(description="Document and fact, or 'ours' for an assumption.")
    grade: Literal["", "A", "B", "C"] = ""

    @model_validator(mode="after")
    def _value_in_its_range(self) -> Input:
        low, high = self.ends
        if not low <= self.value <= high:
            raise ValueError(
                f"value {self.value:g} lies outside its range {low:g} to {high:g}; "
                "'low' is at most the value, 'high' at least"
            )
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """The range; the value itself where none is given."""
        low = self.value if self.low is None else self.low
        return low, self.value if self.high is None else self.high


class Reads(Section):
    """``reads``: the signal that a mechanism changes, and the factor that reads it."""

    role: Text
    factor: Text
    entity: str | None = None


class Mechanism(Section):
    """``[[mechanisms]]``: what the thesis rests on, and what its failure would do.

    The stress is a small calculation of its `kind` from `inputs`. Where the `factor`
    that `reads` the signal speaks, the last scored decision is scored again with the
    newest observation changed; else `exposure` says what it does to each layer.
    """

    id: Identifier
    says: Text = Field(description="The stress in words.")
    kind: Text = Field(description="The calculation.")
    inputs: dict[str, Input] = Field(description="Its numbers, with their sources.")
    reads: Reads | None = Field(
        default=None, description="The signal it changes, and the factor that reads it."
    )
    exposure: dict[str, Effect] = Field(
        default={}, description="What a rise of the stressed quantity does to a layer."
    )
    document: str = ""
    note: str = ""
    declared: Date | None = None

    @model_validator(mode="after")
    def _reaches_a_layer(self) -> Mechanism:
        if self.reads is None and not self.exposure:
            raise ValueError(
                "the stress reaches no layer; give 'reads', 'exposure' or both"
            )
        return self


class State(Section):
    """``states``: what could be seen if a scenario were the world.

    Of the role's values by date: those of one `entity`, the sum over `entities`,
    `entity` divided by `over`, or the `concentration` of all. Exactly one condition.
    """

    role: Text
    entity: str | None = None
    entities: tuple[Text, ...] = ()
    over: str | None = None
    concentration: Flag = False
    above: Number | None = None
    below: Number | None = None
    off_peak: Annotated[Number, Field(gt=0.0)] | None = None
    rises: Annotated[Whole, Field(ge=1)] | None = None
    falls: Annotated[Whole, Field(ge=1)] | None = None
    times: Annotated[Whole, Field(ge=1)] = 1
    says: str = Field(default="", description="The condition in words of your own.")

    @model_validator(mode="after")
    def _one_condition(self) -> State:
        lines = (self.above, self.below, self.off_peak, self.rises, self.falls)
        if sum(one is not None for one in lines) != 1:
            raise ValueError(
                "give exactly one of 'above', 'below', 'off_peak', 'rises', 'falls'"
            )
        if self.times > 1 and (self.rises or self.falls):
            raise ValueError("'times' goes with 'above', 'below' or 'off_peak'")
        several = bool(self.entities) + self.concentration + (self.entity is not None)
        if several > 1:
            raise ValueError("give one of 'entity', 'entities' and 'concentration'")
        if self.over is not None and self.entity in (None, self.over):
            raise ValueError("'over' needs another 'entity' to divide")
        return self


class Scenario(Section):
    """``[[scenarios]]``: a world the documents imagine, and how it would be seen."""

    id: Identifier
    title: Text
    says: str = ""
    states: Annotated[tuple[State, ...], Field(min_length=1)] = Field(
        description="What could be seen if it held; all of them."
    )
    effect: Annotated[dict[str, Effect], Field(min_length=1)] = Field(
        description="What it does to layers or baskets."
    )
    weight: Annotated[Number, Field(ge=0.0)] | None = Field(
        default=None, description="Relative; without any, all weigh the same."
    )
    document: str = ""
    note: str = ""
    declared: Date | None = None

    @field_validator("states")
    @classmethod
    def _told_apart(
        cls, value: tuple[State, ...], info: ValidationInfo
    ) -> tuple[State, ...]:
        if len(set(value)) < len(value):
            raise ValueError("two states are the same; name each once")
        return value
