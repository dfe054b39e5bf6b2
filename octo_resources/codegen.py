"""Pydantic models of a source's records, laid out by datamodel-code-generator; each field is read by our own parsers.

The generator is given a JSON Schema in which every scalar is a type of its own (`Parsed0`, `Parsed1` …); in the text
that it writes, those are replaced by `Annotated[date, ParsedBy("date", "%d/%m/%Y")]` and their like.
"""

import json
import keyword
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from octo_core.expressions.fields import ELEMENT
from octo_core.expressions.typing import widens
from octo_core.plan.judged import Judged, Place, Reading
from octo_core.schema import Field, SourceSchema, structure
from octo_core.types import INTEGER_BITS, JSON, DataType, parse_type

_HEADER: Final = '''"""The records of the source {source}, as Octopipe typed them. Generated; do not edit.

They take records as the source has them, and refuse what a load would set aside.
"""'''
_PLACE: Final = "octo_core.contract_types"
_PYTHON: Final[dict[str, tuple[str, str | None]]] = {
    "boolean": ("bool", None), "decimal": ("Decimal", "decimal"), "float32": ("float", None),
    "float64": ("float", None), "text": ("str", None), "bytes": ("bytes", None), "date": ("date", "datetime"),
    "time": ("time", "datetime"), "timestamp": ("datetime", "datetime"), "timestamptz": ("datetime", "datetime"),
    "interval": ("str", None), "uuid": ("UUID", "uuid"), "json": ("Any", "typing"), "record": ("Any", "typing"),
}  # fmt: skip
"""Python's class of each kind, and the module it is of. Intervals stay text: Python has none with months."""
_RESERVED: Final = (
    "bool", "int", "float", "str", "bytes", "list", "date", "time", "datetime", "Decimal", "UUID", "Any", "Literal",
    "Annotated", "ParsedBy", "Field", "BaseModel", "ConfigDict",
)  # fmt: skip
"""Names that annotations use: a field of that name would be taken for them."""
_CHOICES: Final = 20
"""So many values seen, at most, are shown as literals; others are taken too, as a list of values is no contract."""


def pydantic_source(
    schema: SourceSchema, *, strict: bool = False, delimited: bool = False, judged: Judged | None = None
) -> str:
    """The text of a Python module (3.11, Pydantic 2) with a model of the records and one of each nested record.

    Its models take a record as the source has it (texts by their formats, words for null) and refuse what a load sets
    aside because the source's contract does not hold. Any field may be null or missing, as loads take that; `strict`
    makes those never empty that never were. `delimited`: the source is CSV, where an empty cell of a typed field is
    null. `judged`: what the plan's tables read of the records; other fields take any value, and so does none of them
    where it is left out. Names that Python cannot have are aliased; unknown keys are let through, as drift judges them.
    """
    # Imported here: 0.6 s that only `octopipe schema --pydantic` and typed records have to pay.
    from datamodel_code_generator import InputFileType, generate
    from datamodel_code_generator.config import GenerateConfig
    from datamodel_code_generator.enums import DataModelType
    from datamodel_code_generator.format import Formatter, PythonVersion

    config = GenerateConfig(
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.PydanticV2BaseModel,
        target_python_version=PythonVersion.PY_311,
        disable_timestamp=True,
        enable_version_header=False,
        use_annotated=True,
        field_constraints=True,
        use_double_quotes=True,
        custom_file_header=_HEADER.format(source=json.dumps(schema.source, ensure_ascii=False)),
        class_name=class_name(schema.source),
        aliases=_aliases(schema.fields),
        formatters=[Formatter.BUILTIN],
    )
    layout = _Layout(strict, delimited, _prefix(schema.fields), judged)
    text = generate({"title": schema.source, **layout.object(schema.fields)}, config=config)
    assert isinstance(text, str)
    return layout.written(text)


@dataclass
class _Layout:
    """The schema that the generator gets, and what its placeholders stand for."""

    strict: bool
    delimited: bool
    prefix: str
    """What placeholders are called by, a word that is in no field's name."""
    judged: Judged | None = None
    """What a load judges; everything where there is no plan."""
    parsed: list[str] = field(default_factory=list)
    modules: set[tuple[str, str]] = field(default_factory=set)
    limited: bool = False
    """Whether there is a limit, for which the module needs `Field`."""

    def object(self, fields: tuple[Field, ...], place: Place = ()) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {one.name: self.field(one, (*place, one.name)) for one in fields},
            "required": [one.name for one in fields if self._always(one)],
            "additionalProperties": True,
        }

    def _always(self, one: Field) -> bool:
        return self.strict and not one.nullable

    def field(self, one: Field, place: Place) -> dict[str, Any]:
        schema = self._typed(one, place)
        if not self._always(one):
            schema = _or_null(schema)
        if one.description:
            schema["description"] = _described(one)
        return schema

    def _typed(self, one: Field, place: Place) -> dict[str, Any]:
        if one.type.kind == "record" and one.children:
            record = self.object(one.children, place)
            bound = self.judged is None or place in self.judged.readings or self.judged.reads_inside(place)
            return record if bound else {"anyOf": [record, self._placeholder(self._unbound(place))]}
        element = one.children[0] if one.type.kind == "list" and one.children else None
        if element is not None and element.type.kind == "record" and element.children:
            items = {**self.object(element.children, (*place, ELEMENT)), "title": f"{one.name} item"}
            return {"anyOf": [{"type": "array", "items": items}, self._placeholder(self._whole(one, place))]}
        if element is not None and element.type.is_structured and one.carrier != "typed":
            return {"type": "string", **self._placeholder(self._whole(one, place))}
        return {"type": "string", **self._placeholder(self._annotated(one, place))}

    def _placeholder(self, annotated: str) -> dict[str, str]:
        self.parsed.append(annotated)
        return {"customTypePath": f"{_PLACE}.{self.prefix}{len(self.parsed) - 1}"}

    def _whole(self, one: Field, place: Place) -> str:
        """A list of what is no scalar, as a load keeps it: whatever is in it; any JSON where not all were lists."""
        found = self.judged.readings.get(place) if self.judged is not None else None
        if self.judged is not None and found is None:
            return self._unbound(place)
        lists = one.carrier == "array" or (found is not None and found.structure == "list")
        return self._structure(Field(name="", type=JSON, carrier="array" if lists else "mixed"))

    def _unbound(self, place: Place) -> str:
        """What takes any JSON; all of it has to be characters that a database holds, where it is read at all."""
        if self.judged is not None and self.judged.reads(place):
            return self._structure(Field(name="", type=JSON, carrier="mixed"))
        self.modules.add(("typing", "Any"))
        return "Any"

    def _annotated(self, one: Field, place: Place) -> str:
        reading = self.judged.readings.get(place) if self.judged is not None else None
        if reading is not None and one.type.kind in ("text", "json") and reading.structure == "list":
            one = one.model_copy(update={"type": JSON, "carrier": "array"})  # a list that elements are taken from
        elif reading is not None and self._takes_more(reading, one):
            one = one.model_copy(update={"type": reading.type, "format": reading.format})
        judged = self._by(one, place, reading)
        if one.type.kind in ("record", "json") and one.carrier in ("object", "array", "mixed", "typed"):
            return self._structure(one) if judged is True else self._unbound(place)
        said = [json.dumps(str(one.type), ensure_ascii=False)]
        nulls = tuple(one.nulls)
        if self.delimited and not self._always(one) and one.type.kind != "text":
            nulls = ("", *nulls)
        if one.format is not None and one.type.kind != "list":
            said.append(json.dumps(one.format, ensure_ascii=False))
        if nulls:
            said.append(f"nulls={json.dumps(nulls, ensure_ascii=False)}")
        self.modules.add(("typing", "Annotated"))
        if judged is True:
            return f"Annotated[{self._shown(one)}, {self._limits(one.type)}ParsedBy({', '.join(said)})]"
        if judged == "json" and reading is not None and reading.structure is not None:
            said.append(f'structure="{reading.structure}"')
        said.append(f"judged={judged if judged is False else json.dumps(judged, ensure_ascii=False)}")
        return f"Annotated[{self._shown(one)}{self._or_else(one, judged)}, ParsedBy({', '.join(said)})]"

    def _takes_more(self, reading: Reading, one: Field) -> bool:
        """Whether what is read has the same class, and may be more: in a wider column, or by a union's format."""
        alike = reading.type.kind in _PYTHON or reading.type.is_integer
        return alike and widens(one.type, reading.type) and self._python(reading.type) == self._python(one.type)

    def _by(self, one: Field, place: Place, reading: Reading | None) -> bool | str:
        """By what the field is judged, as `ParsedBy` wants it."""
        if self.judged is None:
            return True
        if reading is None:
            own_text = one.type.kind == "text"
            return own_text or "text" if self.judged.reads(place) else False
        if reading.type == one.type or (reading.type.is_numeric and widens(reading.type, one.type)):
            return True
        return str(reading.type)

    def _or_else(self, one: Field, judged: bool | str) -> str:
        """What a field may be beside its own type."""
        other = parse_type(judged) if isinstance(judged, str) else None
        if other is None or not other.is_numeric:
            self.modules.add(("typing", "Any"))
            return " | Any"
        return "" if self._python(other) == self._python(one.type) else f" | {self._python(other)}"

    def _structure(self, one: Field) -> str:
        """What a load takes whole, as it is."""
        noun = structure(one.type, one.carrier) or "any"
        if one.carrier == "typed":
            return self._python(one.type)
        self.modules |= {("typing", "Annotated"), ("typing", "Any")}
        shape = {"list": "list[Any]", "object": "dict[str, Any]", "any": "Any"}[noun]
        return f'Annotated[{shape}, ParsedBy("json", structure="{noun}")]'

    def _limits(self, kind: DataType) -> str:
        if not kind.is_integer:
            return ""
        room = 2 ** (INTEGER_BITS[kind.kind] - 1)
        self.limited = True
        return f"Field(ge={-room}, le={room - 1}), "

    def _shown(self, one: Field) -> str:
        values = one.stats.values if one.stats is not None and one.type.kind == "text" and not one.pii else None
        if values and len(values) <= _CHOICES:
            self.modules.add(("typing", "Literal"))
            return f"Literal[{', '.join(json.dumps(value, ensure_ascii=False) for value in values)}] | str"
        return self._python(one.type)

    def _python(self, kind: DataType) -> str:
        if kind.kind == "list":
            element = kind.element or DataType("text")
            inner = JSON if element.is_structured else element
            return f"list[{self._python(inner)} | None]"
        if kind.is_integer:
            return "int"
        name, module = _PYTHON[kind.kind]
        if module is not None:
            self.modules.add((module, name))
        return name

    def written(self, text: str) -> str:
        """The generator's text with what its placeholders stand for."""
        parts = re.split(r"^from pydantic import (.*)$", text, maxsplit=1, flags=re.MULTILINE)
        if len(parts) != 3:
            raise AssertionError("the generated module imports nothing of pydantic")
        _, names, body = parts
        if self.limited and "Field" not in names:
            names += ", Field"
        body = re.sub(rf"\b{self.prefix}(\d+)\b", lambda match: self.parsed[int(match[1])], body)
        body = body.replace("        arbitrary_types_allowed=True,\n", "        protected_namespaces=(),\n")
        header = text[: text.index("from __future__")]
        if "Annotated[" in body:
            self.modules.add(("typing", "Annotated"))
        imports = [
            f"from {module} import {', '.join(self._of(module))}" for module in sorted({m for m, _ in self.modules})
        ]
        ours = f"\nfrom {_PLACE} import ParsedBy" if "ParsedBy(" in body else ""
        head = "\n".join(["from __future__ import annotations", "", *imports, f"{ours}\nfrom pydantic import {names}"])
        return f"{header}{head}{body}"

    def _of(self, module: str) -> list[str]:
        return sorted(name for owner, name in self.modules if owner == module)


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _described(one: Field) -> str:
    text = one.description or ""
    return text if not one.format or one.format in text else f"{text} Written as {one.format}."


def _prefix(fields: tuple[Field, ...]) -> str:
    names = " ".join([*_names(fields), *_descriptions(fields)]).lower()
    prefix = "Parsed"
    while prefix.lower() in names:
        prefix += "X"
    return prefix


def _names(fields: tuple[Field, ...]) -> Iterator[str]:
    for one in fields:
        yield one.name
        yield from _names(one.children)


def _descriptions(fields: tuple[Field, ...]) -> Iterator[str]:
    for one in fields:
        yield one.description or ""
        yield from _descriptions(one.children)


def _aliases(fields: tuple[Field, ...]) -> dict[str, str]:
    """What fields are called whose own names would be taken for others: Python reads `ﬁ` as `fi` (NFKC)."""
    names = set(_names(fields))
    taken = {unicodedata.normalize("NFKC", name) for name in names if unicodedata.is_normalized("NFKC", name)}
    found = {name: f"{name}_" for name in _RESERVED}
    for name in sorted(names):
        if not unicodedata.is_normalized("NFKC", name) or name == "":
            own = unicodedata.normalize("NFKC", re.sub(r"\W", "_", name)) or "empty"
            own = own if re.match(r"[^\W\d_]", own) else f"field_{own}"
            while own in taken or own in found.values() or keyword.iskeyword(own) or hasattr(BaseModel, own):
                own += "_"
            found[name] = own
    return found


def class_name(source: str) -> str:
    """`flight_legs` → FlightLegs; what Python cannot have becomes Record."""
    name = "".join(word[:1].upper() + word[1:] for word in re.split(r"\W|_", source))
    return name if name.isidentifier() else f"Record{name}"
