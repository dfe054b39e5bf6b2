"""Measures mapping with a language model on the labelled pairs of tables, by the product's own question and checks.

Usage: OCTOPIPE_LLM_MODEL=openai/… [OCTOPIPE_LLM_BASE_URL=…] [OCTOPIPE_LLM_KEY=…] python -m benchmarks.eval_llm DIR
DIR is the folder that `make eval` takes, or its `mapping/` with `gdc/` and `web/` in it. Answers are kept in
.octopipe/eval, so that a second run costs nothing.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from benchmarks.eval_mapping import interval
from benchmarks.mapping_cases import truth
from octo_core.asking import mapping_question
from octo_core.asking.replies import MappingReply
from octo_core.catalog import Catalog, Column, Label, Table
from octo_core.expressions import parse, path_parts, paths
from octo_core.inference import infer_column
from octo_core.mapping import match
from octo_core.mapping.attribute import source_attributes, target_attributes
from octo_core.schema import SourceSchema
from octo_core.spec.llm import LlmSettings, Share
from octo_core.types import TEXT
from octo_resources.llm import Access, Door, Question, Unanswered
from octo_resources.registry import Registry

csv.field_size_limit(2**31 - 1)
TABLE = "public.target"


@dataclass(frozen=True)
class Case:
    name: str
    schema: SourceSchema
    catalog: Catalog
    truth: set[tuple[str, str]]


@dataclass(frozen=True)
class Figures:
    recall: float
    mrr: float
    f1: float


def columns(path: Path) -> dict[str, list[str]]:
    """Column → its values, empty ones left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    return {
        name: [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
        for place, name in enumerate(header)
        if name
    }


def source(path: Path) -> SourceSchema:
    fields = tuple(infer_column(values, name) for name, values in columns(path).items())
    return SourceSchema(source="source", fields=fields)


def target(path: Path, about: Mapping[str, Mapping[str, object]]) -> Catalog:
    """The target as a destination's table of text columns, labelled with what is said of them."""
    made, samples = [], {}
    for name, values in columns(path).items():
        said = about.get(name, {})
        text, allowed = str(said.get("column_description") or ""), said.get("value_data")
        label = Label(label=text) if text else None
        enum = tuple(allowed) if isinstance(allowed, dict) and allowed else None
        made.append(Column(name=name, type=TEXT, native="text", label=label, enum=enum))
        samples[name] = tuple(dict.fromkeys(values))[:100]
    table = Table(name=TABLE, schema_name="public", table_name="target", columns=tuple(made))
    return Catalog(dialect="postgresql", version="18", tables={TABLE: table}, samples={TABLE: samples})


def pairs_in(folder: Path) -> Path | None:
    """Where the labelled pairs are: in the folder's `mapping/`, or in itself; None where there are none."""
    for place in (folder / "mapping", folder):
        if any(place.glob("gdc/*/gt.csv")) or any(place.glob("web/*/gt.csv")):
            return place
    return None


def cases(folder: Path) -> Iterator[tuple[str, Case]]:
    gdc = folder / "gdc"
    if gdc.is_dir():
        about = json.loads((gdc / "gdc_schema.json").read_text(encoding="utf-8"))
        whole = target(gdc / "target.csv", about)
        for path in sorted(gdc.glob("*/gt.csv")):
            yield "gdc", Case(path.parent.name, source(path.parent / "source.csv"), whole, truth(path))
    for path in sorted((folder / "web").glob("*/gt.csv")):
        there = target(path.parent / "target.csv", {})
        yield "web", Case(path.parent.name, source(path.parent / "source.csv"), there, truth(path))


def chosen(door: Door, case: Case, unanswered: Counter[str]) -> tuple[dict[str, tuple[str, float]], list[str]]:
    """Target column → (source field, confidence) as the model chooses, and what was refused of it.

    `unanswered` counts the questions without an answer, by why.
    """
    table, found, wrong = case.catalog.tables[TABLE], {}, []
    names = [column.name for column in table.columns]
    near = mapping_question.short_list(case.schema, table, case.catalog)
    for start in range(0, len(names), mapping_question.CHUNK):
        part = names[start : start + mapping_question.CHUNK]
        messages = mapping_question.messages(case.schema, table, case.catalog, part, near=near, share=door.share)
        reply = door.ask(Question("mapping", case.name, messages, MappingReply))
        if isinstance(reply, Unanswered):
            unanswered[reply.why] += 1
            continue
        verdict = mapping_question.judged(reply, case.schema, table, part)
        wrong += verdict.refused.values()
        for name, choice in verdict.chosen.items():
            used = paths(parse(choice.expr, case.schema)) if choice.expr else ()
            if used:
                found[name] = (str(path_parts(used[0])[0]), choice.confidence)
    return found, wrong


def figures(case: Case, found: Mapping[str, tuple[str, float]]) -> Figures:
    """Recall@GT, MRR and F1 one-to-one: the model's choices above the embedded matcher's pairs."""
    embedded = match(source_attributes(case.schema), target_attributes(case.catalog.tables[TABLE], case.catalog))
    scores = {(pair.source, pair.target): 0.5 * pair.score for pair in embedded.pairs}
    best: dict[str, tuple[str, float]] = {}
    for name, (field, sure) in found.items():
        scores[field, name] = 0.5 + 0.5 * sure
        if sure > best.get(field, ("", -1.0))[1]:
            best[field] = (name, sure)
    ordered = sorted(scores, key=lambda pair: -scores[pair])
    recall = len(set(ordered[: len(case.truth)]) & case.truth) / len(case.truth)
    ranks = []
    for field in {pair[0] for pair in case.truth}:
        mine = [pair for pair in ordered if pair[0] == field]
        ranks.append(next((1 / rank for rank, pair in enumerate(mine, start=1) if pair in case.truth), 0.0))
    decided = {(field, name) for field, (name, _) in best.items()}
    f1 = 2 * len(decided & case.truth) / (len(decided) + len(case.truth))
    return Figures(recall, sum(ranks) / len(ranks), f1)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--share", choices=["statistics", "samples"], default="statistics")
    parser.add_argument("--only", help="one case's name")
    options = parser.parse_args(arguments)
    folder = pairs_in(options.folder) if options.folder is not None else None
    if folder is None:
        where = options.folder or "no folder"
        hint = "make eval-llm DATA=folder; docs/quality.md says how to get the data"
        print(f"no labelled pairs (mapping/gdc, mapping/web) in {where}: {hint}", file=sys.stderr)
        return 2
    door, registry = real_door("eval", options.share)
    began, groups = time.monotonic(), {}
    unanswered: Counter[str] = Counter()
    for group, case in cases(folder):
        if options.only in (None, case.name):
            found, wrong = chosen(door, case, unanswered)
            result = figures(case, found)
            groups.setdefault(group, []).append(result)
            shown = f"{result.recall:.3f} {result.mrr:.3f} {result.f1:.3f}"
            print(f"  {case.name:12} {shown}  {len(wrong)} refused", flush=True)
    if not groups:
        print(f"no case is called {options.only!r}", file=sys.stderr)
    for group, results in groups.items():
        shown = (interval([getattr(one, kind) for one in results]) for kind in ("recall", "mrr", "f1"))
        print("{}: Recall@GT {}  MRR {}  F1 one-to-one {}  (mean [95 %], seed 7)".format(group, *shown))
    calls = registry.llm_calls.newest("eval", 100_000)
    money = sum((call.cost for call in calls if call.cost is not None), Decimal(0))
    tokens = sum(call.tokens_in + call.tokens_out for call in calls)
    cost = f"{len(calls)} calls, {tokens:,} tokens, {money:.4f} USD"
    print(f"{door.model}, share {door.share}: {cost}, {time.monotonic() - began:.0f} s")
    registry.close()
    for why, count in unanswered.items():
        print(f"{count} questions without an answer, so these are not the model's figures: {why}", file=sys.stderr)
    return 1 if unanswered else 0 if groups else 2


def real_door(pipeline: str, share: Share) -> tuple[Door, Registry]:
    """The door to the model that the environment names; ends the program where it names none."""
    model, key = os.environ.get("OCTOPIPE_LLM_MODEL"), os.environ.get("OCTOPIPE_LLM_KEY")
    if not model:
        sys.exit("set OCTOPIPE_LLM_MODEL, for example to openai/gpt-5, and OCTOPIPE_LLM_KEY")
    said = {"model": model, "base_url": os.environ.get("OCTOPIPE_LLM_BASE_URL"), "share": share, "timeout": "180 s"}
    registry = Registry.open("sqlite", Path(".octopipe") / "eval")
    return Door(pipeline, Access(LlmSettings.model_validate(said), key=key), registry.llm_calls), registry


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
