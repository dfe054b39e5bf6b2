"""Asks a real provider the questions of a small shop, and keeps its answers as a recording that tests replay.

Usage: OCTOPIPE_LLM_MODEL=openai/… [OCTOPIPE_LLM_BASE_URL=…] [OCTOPIPE_LLM_KEY=…] python -m benchmarks.llm_record
Writes tests/llm/recorded/MODEL.json: the questions (made-up data only), the answers, tokens, cost and time.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.eval_llm import real_door
from octo_core.asking import mapping_question, schema_question
from octo_core.asking.replies import MappingReply, SchemaReply
from octo_core.asking.sharing import nameable
from octo_core.catalog import Catalog, Check, Column, Label, Table
from octo_core.inference import infer_column
from octo_core.mapping.attribute import source_fields
from octo_core.schema import SourceSchema
from octo_core.types import parse_type
from octo_resources.llm import Question, Unanswered

FOLDER = Path("tests") / "llm" / "recorded"
COLUMNS = {
    "order_no": [f"{number:06d}" for number in range(1, 41)],
    "placed": [f"{1 + number % 28:02d}/03/2026 10:{number:02d}" for number in range(40)],
    "total_cents": [str(1990 + 7 * number) for number in range(40)],
    "st": ["P", "S", "V", "P"] * 10,
    "buyer": [f"buyer{number}@shop.example" for number in range(40)],
}


def shop() -> tuple[SourceSchema, Catalog]:
    """A source and a destination that need every kind of thought: codes, formats, units, personal data."""
    schema = SourceSchema(source="orders", fields=tuple(infer_column(values, name) for name, values in COLUMNS.items()))
    wanted = {
        "order_id": ("text", "text", "the order's number with its zeros", None),
        "placed_at": ("timestamp", "timestamp without time zone", "when it was placed", None),
        "amount": ("decimal(10,2)", "numeric(10,2)", "order total", "EUR"),
        "status": ("text", "text", "paid, sent or void", None),
        "contact": ("text", "text", "e-mail address of the customer", None),
        "gift_note": ("text", "text", "text on the gift card", None),
    }
    columns = tuple(
        Column(name=name, type=parse_type(kind), native=native, label=Label(label=label, unit=unit))
        for name, (kind, native, label, unit) in wanted.items()
    )
    check = Check(name="status_check", sql="status = ANY (ARRAY['paid'::text, 'sent'::text, 'void'::text])")
    table = Table(name="public.sale", schema_name="public", table_name="sale", columns=columns, checks=(check,))
    return schema, Catalog(dialect="postgresql", version="18", tables={"public.sale": table})


def questions() -> list[Question[Any]]:
    schema, catalog = shop()
    table = catalog.tables["public.sale"]
    names = [column.name for column in table.columns]
    typing = schema_question.messages(schema.source, nameable(source_fields(schema)), "statistics")
    near = mapping_question.short_list(schema, table, catalog)
    mapping = mapping_question.messages(schema, table, catalog, names, near=near, share="statistics")
    return [
        Question("schema", "orders", typing, SchemaReply),
        Question("mapping", "public.sale", mapping, MappingReply),
    ]


def main() -> int:
    door, registry = real_door("record", "statistics")
    failed = 0
    for question in questions():
        found = door.ask(question)
        failed += isinstance(found, Unanswered)
        print(f"{question.purpose}: {found.why if isinstance(found, Unanswered) else 'answered'}")
    calls = [call.model_dump(mode="json") for call in registry.llm_calls.newest("record", 10)]
    if failed:
        print("nothing is written: tests replay whole recordings", file=sys.stderr)
        registry.close()
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / (re.sub(r"[^a-z0-9.]+", "-", door.model.lower()) + ".json")
    path.write_text(json.dumps(calls, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {path}")
    registry.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
