"""The forms of a model's replies. Whatever else a reply holds is dropped; what is too long or too many is refused."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _cut(limit: int) -> BeforeValidator:
    """Prose may be cut; it decides nothing."""
    return BeforeValidator(lambda value: value[:limit] if isinstance(value, str) else value)


_UNSURE: Final = 0.5
"""How sure a model counts that does not say so."""


def _share(value: Any) -> float:
    """Models say 0.9, 90 or "90 %"; what is no such share (NaN, "high", 900) tells nothing, and costs no answer."""
    if isinstance(value, str):
        value = value[:40].strip().removesuffix("%").strip()
    try:
        share = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else _UNSURE
    except (ValueError, OverflowError):
        return _UNSURE
    share = share / 100 if 1 < share <= 100 else share
    return share if 0 <= share <= 1 else _UNSURE


def _first(most: int, length: int) -> BeforeValidator:
    """The first texts of a list that decides nothing; null is an empty one."""

    def cut(value: Any) -> Any:
        return [one for one in value[:most] if isinstance(one, str) and len(one) <= length] if value else []

    return BeforeValidator(lambda value: cut(value) if value is None or isinstance(value, list) else value)


def _unsaid(value: Any, default: Any) -> Any:
    return default if value is None else value


Short = Annotated[str, Field(max_length=80)]
Prose = Annotated[str, _cut(300)]
Expression = Annotated[str, Field(max_length=4000)]
Confidence = Annotated[
    float,
    BeforeValidator(_share),
    Field(ge=0, le=1, allow_inf_nan=False),
]


class Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FieldClaim(Loose):
    """What the model claims of one field. Leave out (null) what you do not know."""

    field: Annotated[str, Field(max_length=256, description="The field's name exactly as it was given")]
    type: Short | None = Field(default=None, description="One of the types of the closed list")
    format: Short | None = Field(default=None, description="strptime letters for dates and times written as text")
    unit: Short | None = Field(default=None, description="Unit of measure, for numbers")
    semantic: Short | None = Field(default=None, description="One of the semantic types of the closed list")
    description: Prose | None = Field(default=None, description="One short sentence for a person")
    nullable: bool | None = Field(default=None, description="Whether the field may be empty")
    personal: bool | None = Field(default=None, description="Whether it is data about a person")


class SchemaReply(Loose):
    """The typed schema of one source."""

    fields: Annotated[list[FieldClaim], Field(max_length=1000)]
    key: Annotated[list[Short], BeforeValidator(lambda value: _unsaid(value, [])), Field(max_length=8)] = Field(
        default_factory=list, description="The fields that together identify a record; empty where none do"
    )


class ColumnChoice(Loose):
    """What feeds one column of the destination."""

    column: Annotated[str, Field(max_length=256, description="The column's name exactly as it was given")]
    expression: Expression | None = Field(default=None, description="In the given language; null where nothing fits")
    confidence: Confidence = Field(default=0.5, description="How sure, from 0 to 1")
    why: Annotated[Prose, BeforeValidator(lambda value: _unsaid(value, ""))] = Field(
        default="", description="The reason, in one sentence for a reviewer"
    )
    alternatives: Annotated[list[Expression], _first(5, 4000), Field(max_length=5)] = Field(default_factory=list)


class MappingReply(Loose):
    """The mapping of the columns that were asked for."""

    columns: Annotated[list[ColumnChoice], Field(max_length=1000)]
