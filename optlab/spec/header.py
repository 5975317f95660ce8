"""The plain part of a spec, validated by pydantic: everything but problems, optimizers, targets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from optlab.errors import Faults
from optlab.nodes import Node, unwritable, whole
from optlab.suggest import meant_or_known

__all__ = ["Header", "read_header"]

MOST_STEPS = 100_000_000


Whole = Annotated[int, BeforeValidator(whole)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class OnlyModel(_Strict):
    """One seed of one role."""

    tune: Whole | None = Field(default=None, ge=0, lt=100_000)
    evaluate: Whole | None = Field(default=None, ge=0, lt=100_000)
    picture: Whole | None = Field(default=None, ge=0, le=0)

    @model_validator(mode="after")
    def _one_role(self) -> OnlyModel:
        if len(self.model_fields_set) != 1 or None in self.model_dump(exclude_unset=True).values():
            raise ValueError("give one seed of one role, as in {evaluate: 7}")
        return self


class SeedsModel(_Strict):
    """Seeds by role; roles are disjoint: settings are chosen on `tune`, reported on `evaluate`. With
    `only` nothing but that one seed is run."""

    tune: Whole = Field(default=3, ge=1, le=100_000)
    evaluate: Whole = Field(default=10, ge=1, le=100_000)
    experiment: Whole = Field(default=0, ge=0, le=2**63 - 1)
    only: OnlyModel | None = None

    @model_validator(mode="after")
    def _alone(self) -> SeedsModel:
        if self.only is not None and self.model_fields_set & {"tune", "evaluate"}:
            raise ValueError("`only` is the one seed that is run; leave `tune` and `evaluate` out")
        return self


class RecordModel(_Strict):
    """When to record: `every` so many steps, or about `points` points in a run, which metrics, and what to
    keep of it. `record: summary` is short for `{keep: summary}`."""

    every: Whole | None = Field(default=None, ge=1, le=MOST_STEPS)
    points: Whole | None = Field(default=None, ge=1, le=1_000_000)
    metrics: list[str] | None = None
    keep: Literal["curves", "summary"] = "curves"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"keep": given} if given == "summary" else given

    @model_validator(mode="after")
    def _one_cadence(self) -> RecordModel:
        if self.every is not None and self.points is not None:
            raise ValueError("give `every` or `points`, not both")
        return self


class TuningModel(_Strict):
    """How settings are chosen: from so many joint draws (or the grid), by `select` on tune seeds."""

    trials: Whole | None = Field(default=None, ge=1, le=100_000)
    select: str = "held"


class MarkingModel(_Strict):
    """Points a line of a handwritten page."""

    line: float = Field(default=1.0, ge=0, le=1000)
    answer: float = Field(default=1.0, ge=0, le=1000)
    follow_through: bool = True


def _count(value: Any) -> Any:
    count = isinstance(whole(value), int) and not isinstance(value, bool)
    return {"evaluate": value} if count else value


def _trials(value: Any) -> Any:
    count = isinstance(whole(value), int) and not isinstance(value, bool)
    return {"trials": value} if count else value


def _line(text: str) -> str:
    if odd := unwritable(text):
        raise ValueError(odd)
    return text


class Header(_Strict):
    """The keys of a spec that are plain values."""

    title: Annotated[str, AfterValidator(_line)] = Field(min_length=1, max_length=300)
    question: str = ""
    steps: Whole | None = Field(default=None, ge=1, le=MOST_STEPS)
    epochs: float | None = Field(default=None, gt=0, le=MOST_STEPS)
    seeds: Annotated[SeedsModel, BeforeValidator(_count)] = SeedsModel()
    precision: Literal["float64", "float32"] = "float64"
    record: RecordModel = RecordModel()
    tuning: Annotated[TuningModel, BeforeValidator(_trials)] | None = None
    marking: MarkingModel = MarkingModel()


BY_HAND = ("problems", "optimizers", "targets", "search", "profile", "groups", "claims", "import",
           "handwritten")  # fmt: skip
KEYS = (*Header.model_fields, *BY_HAND)


def read_header(root: Node, faults: Faults) -> Header:
    """The header of a spec. What has faults, noted at their places, is left at its default, so that
    the rest of the file can be checked as well."""
    plain = {key: node.plain() for key, node in root.value.items() if key not in BY_HAND}
    budgets = [key for key in ("steps", "epochs") if plain.get(key) is not None]
    if len(budgets) > 1:
        faults.add(root.value["epochs"].at_key, "give `steps` or `epochs`, not both")
        del plain["epochs"]
    try:
        return Header.model_validate(plain)
    except ValidationError as error:
        for detail in error.errors():
            place = root.at(detail["loc"])
            faults.add(place.at_key if _about_key(detail) else place, _message(detail, place))
            plain.pop(str(detail["loc"][0]), None)
    if budgets and not {"steps", "epochs"} & plain.keys():
        plain["steps"] = 1  # a budget was given, if a wrong one: no reason to ask for one
    return Header.model_validate({"title": "?", **plain})


def _about_key(detail: Any) -> bool:
    return detail["type"] == "extra_forbidden"


def _message(detail: Any, place: Node) -> str:
    """Pydantic's finding in the words of someone who writes YAML."""
    kind, context, given = detail["type"], detail.get("ctx", {}), place.shown
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "extra_forbidden":
        known = _keys_beside(detail["loc"])
        return f"no such key{meant_or_known(name, known)}"
    if kind == "missing":
        return f"`{name}` is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("int_type", "int_from_float"):
        return f"{given} is not a whole number"
    if kind == "float_type":
        return f"{given} is not a number"
    if kind == "string_type":
        return f"{given} is not text; put it in quotes"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "literal_error":
        return f"{given} is not one of {context['expected']}"
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        words = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
        sign, bound = next((k, v) for k, v in context.items() if k in words)
        return f"{given} must be {words[sign]} {bound:g}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{given} does not fit; write keys and values, such as {_example(name)}"
    return f"{given}: {detail['msg'].lower()}"


def _example(name: str) -> str:
    examples = {
        "seeds": "{tune: 3, evaluate: 10}, or one whole number",
        "only": "{evaluate: 7}",
        "record": "{every: 10}, or summary",
        "tuning": "{trials: 50, select: loss}, or one whole number",
        "marking": "{line: 1, answer: 2, follow_through: true}",
    }
    return examples.get(name, "{key: value}")


def _keys_beside(location: tuple[Any, ...]) -> tuple[str, ...]:
    inside: dict[Any, type[BaseModel]] = {
        "seeds": SeedsModel,
        "record": RecordModel,
        "tuning": TuningModel,
        "marking": MarkingModel,
        "only": OnlyModel,
    }
    return tuple(inside[location[-2]].model_fields) if len(location) > 1 else KEYS
