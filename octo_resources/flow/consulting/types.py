"""A source's types by a model: claimed, held against all rows, sent back, and at last overruled where they fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from octo_core.asking import schema_question
from octo_core.asking.cleaning import shown
from octo_core.asking.nested import BORNE_OUT, OVERRULED, Asked, asked_fields, elements_of
from octo_core.asking.replies import SchemaReply
from octo_core.asking.schema_question import Verdict
from octo_core.asking.shapes import shape
from octo_core.expressions import parse
from octo_core.inference.bearing import SEMANTIC_NAMES, not_of_kind
from octo_core.inference.overrides import laid
from octo_core.inference.profile import mask
from octo_core.mapping.attribute import spelled
from octo_core.reading import read_token
from octo_core.schema import Field, SourceSchema
from octo_core.types import DataType
from octo_resources.engines.duckdb.preview import Preview
from octo_resources.flow.consulting import every_value
from octo_resources.flow.consulting.rounds import ROUNDS
from octo_resources.flow.ground import Ground
from octo_resources.llm import Door, Question, Unanswered

TOLERATED: Final = 0.005
"""Share of a field's values that may fail a claimed type: one bad value is quarantine's business."""
Values = Callable[[tuple[str, ...]], Sequence[str]]


def typed_by_model(
    ground: Ground, door: Door, schema: SourceSchema, values: Values, only: frozenset[str] | None
) -> SourceSchema:
    """The schema with the model's claims, as far as all the rows bear them out; the embedded one where it is silent.

    `values` gives a field's distinct values, by its names from the top. `only`: the fields to ask about (by their top
    names), all when None; never those that the file speaks of.
    """
    return _Talk(ground, door, schema, values).held(only)


class _Talk:
    """One source's conversation; made for one use."""

    def __init__(self, ground: Ground, door: Door, schema: SourceSchema, values: Values) -> None:
        self.ground, self.door, self.schema, self.values = ground, door, schema, values
        self.asked: dict[str, Asked] = {}
        self.taken: dict[str, dict[str, Any]] = {}
        self.refused: dict[str, dict[str, str]] = {}
        self.partly: dict[str, str] = {}
        self.keys: list[str] = []
        self.warnings: list[str] = []

    def held(self, only: frozenset[str] | None) -> SourceSchema:
        told = self.ground.pipeline.spec.sources[self.schema.source].fields
        self.asked = {
            path: one
            for path, one in asked_fields(self.schema).items()
            if path not in told and ".".join(one.parts) not in told and (only is None or one.parts[0] in only)
        }
        fields = {path: one.field for path, one in self.asked.items()}
        paths = list(fields)
        for start in range(0, len(paths), schema_question.CHUNK):
            missing = self.ask({path: fields[path] for path in paths[start : start + schema_question.CHUNK]})
            if missing is not None:
                name = self.schema.source
                self.warnings.append(
                    f"{name}: typed by the embedded inferrer, as {self.door.model} gave no answer: {missing}"
                )
                break
        return self.settled()

    def ask(self, fields: Mapping[str, Field]) -> str | None:
        """Ask about some fields until nothing is refused or the rounds are over; why there was no answer at all."""
        every = {path: one.field for path, one in asked_fields(self.schema).items()}
        messages = schema_question.messages(self.schema.source, fields, self.door.share, every)
        wanted = dict(fields)
        for turn in range(ROUNDS + 1):
            reply = self.door.ask(Question("schema", self.schema.source, messages, SchemaReply))
            if isinstance(reply, Unanswered):
                return None if turn else reply.why
            if not turn:
                self.keys.extend(reply.key)
            verdicts = schema_question.judged(reply, wanted, lambda path: self.values(self.asked[path].parts))
            self.disprove(fields, verdicts)
            for claim in reply.fields:
                verdict = verdicts.get(claim.field)
                if verdict is None:
                    continue
                values = self.values(self.asked[claim.field].parts)
                if verdict.refused.get("type") == schema_question.NO_TEXT:
                    verdict.refused["type"] += _example(next(iter(values), None))
                if "type" in verdict.refused:
                    schema_question.rejudged(claim, wanted[claim.field], values, verdict)
                semantic = (claim.semantic or "").strip().lower()
                if "semantic" in verdict.refused and semantic in SEMANTIC_NAMES:
                    verdict.refused["semantic"] += _example(not_of_kind(semantic, values))
            for path, said in every_value.hold(self.ground, self.schema, self.asked, verdicts).items():
                self.partly[path] = said
            self.note(verdicts)
            wrong = {path: verdict.refused for path, verdict in verdicts.items() if verdict.refused}
            if not wrong:
                return None
            wanted = {path: fields[path] for path in wrong}
            answer = {"role": "assistant", "content": reply.model_dump_json(exclude_none=True)}
            messages = [*messages, answer, schema_question.again(wrong)]
        return None

    def note(self, verdicts: Mapping[str, Verdict]) -> None:
        for path, verdict in verdicts.items():
            self.taken.setdefault(path, {}).update(verdict.taken)
            self.refused[path] = {name: why for name, why in verdict.refused.items() if name not in verdict.taken}

    def disprove(self, fields: Mapping[str, Field], verdicts: Mapping[str, Verdict]) -> None:
        """Hold claimed types and formats against all rows: what they contradict is refused, with a masked value."""
        claimed: dict[str, dict[str, Any]] = {}
        for path, verdict in verdicts.items():
            said = {name: value for name, value in verdict.taken.items() if name in ("type", "format")}
            if said:
                claimed[path] = said
        if not claimed:
            return
        for steps in dict.fromkeys(self.asked[path].steps for path in claimed):
            here = {path: said for path, said in claimed.items() if self.asked[path].steps == steps}
            self.tried(steps, here, fields, verdicts)

    def tried(
        self,
        steps: tuple[str, ...],
        claimed: Mapping[str, Mapping[str, Any]],
        fields: Mapping[str, Field],
        verdicts: Mapping[str, Verdict],
    ) -> None:
        """Hold claims on fields of the records themselves, or of the elements of the list at `steps`, against all."""
        found = self.looked(steps, self.told(self.schema, claimed, "claimed"), list(claimed))
        before = self.looked(steps, self.schema, list(claimed))
        for path, said in claimed.items():
            verdict, wanted = verdicts[path], said.get("type", fields[path].type)
            if found is None or before is None:
                verdict.refused["type"] = "the elements of this list cannot be looked at"
            else:
                column, stats = self.asked[path].inner or path, fields[path].stats
                failures = found.columns[path].failures
                values = max(1, stats.rows - stats.nulls - stats.missing if stats else found.rows)
                if failures <= before.columns[path].failures or failures <= TOLERATED * values:
                    continue
                rows = [one.row.get(column) for one in found.reasons if one.column == path]
                odd = rows[0] if rows else None
                if odd is None:  # a row is kept for its first column that fails; the others' values are known as well
                    odd = _unread(self.values(self.asked[path].parts), wanted, said.get("format"))
                verdict.refused["type"] = f"{failures} of {values} values are no {wanted}{_example(odd)}"
            for name in said:
                del verdict.taken[name]

    def looked(self, steps: tuple[str, ...], schema: SourceSchema, paths: Sequence[str]) -> Preview | None:
        """What fields give over all rows by a schema's types; None for elements of a list that no table could have."""
        if not steps:
            return self.ground.look(schema, {path: parse(path, schema) for path in paths})
        made = elements_of(schema, steps)
        if made is None:
            return None
        origin, elements = made
        known = {schema.source: schema, elements.source: elements}
        ground = replace(self.ground, origin=origin, schemas=known)
        return ground.look(elements, {path: parse(self.asked[path].inner, elements) for path in paths})

    def told(self, schema: SourceSchema, said: Mapping[str, Mapping[str, Any]], why: str) -> SourceSchema:
        fields = schema.fields
        for path, claims in said.items():
            fields = laid(fields, self.asked[path].parts, claims, schema.source, why=why)
        return schema.model_copy(update={"fields": fields})

    def settled(self) -> SourceSchema:
        """The schema with what was taken, and a mark and a warning for every claim that was overruled."""
        model = self.door.model
        said = {path: taken for path, taken in self.taken.items() if taken}
        found = self.told(self.schema, said, f"{model} {BORNE_OUT}")
        for path, note in self.partly.items():
            found = self.told(found, {path: {}}, f"{note}; {model} {BORNE_OUT}")
            self.warnings.append(f"{self.schema.source}.{path}: {note}")
        for path, wrong in self.refused.items():
            if wrong:
                text = "; ".join(f"{name}: {shown(why, 200)}" for name, why in wrong.items())
                found = self.told(found, {path: {}}, f"{model} {OVERRULED} ({text})")
                self.warnings.append(f"{self.schema.source}.{path}: {model} {OVERRULED}: {text}")
        return found.model_copy(
            update={
                "key": self.schema.key or self.key(),
                "warnings": (*self.schema.warnings, *self.warnings),
                "proposer": "llm" if said else "embedded",
            }
        )

    def key(self) -> tuple[str, ...]:
        """The candidate key that the model names, if all rows are told apart by it."""
        names = tuple(dict.fromkeys(self.keys))
        if not names or any(self.schema.field(name) is None for name in names):
            return ()
        nodes = {name: parse(spelled(name), self.schema) for name in names}
        found = self.ground.look(self.schema, nodes, key=names)
        empty = any(found.columns[name].nulls for name in names)
        return () if found.key_collisions or empty else names


def _example(value: object) -> str:
    """What is told of a value that contradicts a claim: its mask, and nothing of the value itself."""
    return f", for example one of the form {shape(mask(str(value)))}" if value is not None else ""


def _unread(values: Sequence[str], kind: DataType, written: str | None) -> str | None:
    """The first value that is none of a type in this format; in no format where the type has none such."""
    for value in values:
        try:
            read_token(value, kind, written)
        except ValueError:
            return value
    return None
