"""`kafka`: the topics of a pipeline's sources, how far it is with them, and a look at their messages."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from octo_cli import completing, console
from octo_cli.commands.understand import opened
from octo_core.errors import UsageError

if TYPE_CHECKING:
    from octo_cli.kafka_answers import LagRow, TopicRow
    from octo_core.spec.sources import KafkaSource
    from octo_resources.flow.offsets import Waiting
    from octo_resources.project import Pipeline

app = typer.Typer(
    help="What waits at the brokers of a pipeline's sources.",
    epilog="Example:  octopipe kafka lag flights",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The pipeline.", metavar="NAME", autocompletion=completing.pipelines)]
Which = Annotated[str | None, typer.Option("--source", help="One of its sources, where it reads several from Kafka.")]


@app.command("topics")
def topics(name: Name, source: Which = None) -> None:
    """The topics at a source's brokers, and which of them it reads.

    \b
    Example:
      octopipe kafka topics flights
    """
    from octo_cli.kafka_answers import TopicsAnswer

    space, pipeline = opened(name)
    called, spec = _source(pipeline, source)
    answer = TopicsAnswer(pipeline=name, source=called, topics=_topics(spec, space.project))
    headings: list[console.Heading] = [
        "topic", "read", ("partitions", "right"), ("messages", "right"), ("kept", "right"), "compacted",
    ]  # fmt: skip
    rows = [
        (
            one.name,
            "yes" if one.read else "",
            str(one.partitions),
            f"{one.messages:,}",
            "" if one.retention_hours is None else f"{one.retention_hours:,.1f} h",
            "yes" if one.compacted else "",
        )
        for one in answer.topics
    ]
    console.answer(answer, lambda screen: screen.print(console.table(headings, rows)))


@app.command("lag")
def lag(name: Name) -> None:
    """How far the destination is behind each partition's end, and what retention took or is about to.

    \b
    Example:
      octopipe kafka lag flights
    """
    from octo_cli.kafka_answers import LagAnswer
    from octo_resources.flow.offsets import kafka_sources, retention_warnings, waiting_at

    space, pipeline = opened(name)
    _source(pipeline, None, any_of=True)
    rows = [row for one in kafka_sources(pipeline) for row in _lag(waiting_at(space, pipeline, one))]
    answer = LagAnswer(
        pipeline=name,
        lag=sum(one.lag for one in rows),
        lost=sum(one.lost for one in rows),
        partitions=tuple(rows),
        warnings=retention_warnings(space, pipeline),
    )
    headings: list[console.Heading] = [
        "source", "topic", ("partition", "right"), ("position", "right"), ("low", "right"), ("high", "right"),
        ("lag", "right"), ("lost", "right"),
    ]  # fmt: skip
    cells = [
        (
            one.source,
            one.topic,
            str(one.partition),
            "" if one.position is None else f"{one.position:,}",
            f"{one.low:,}",
            f"{one.high:,}",
            f"{one.lag:,}",
            f"{one.lost:,}" if one.lost else "",
        )
        for one in rows
    ]

    def draw(screen: Any) -> None:
        screen.print(console.table(headings, cells, title=f"{name}: {answer.lag:,} messages wait"))
        for warning in answer.warnings:
            screen.print(console.clean(f"warning: {warning}"))

    console.answer(answer, draw)


@app.command("peek")
def peek(
    name: Name,
    source: Which = None,
    topic: Annotated[str | None, typer.Option(help="Another topic at the same brokers.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="One partition; all when left out.")] = None,
    offset: Annotated[int | None, typer.Option(min=0, help="From this offset on; the newest when left out.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=1000, help="Messages, at most.")] = 5,
) -> None:
    """Show messages as the records that they would land as; nothing is loaded, and no position moves.

    \b
    Example:
      octopipe kafka peek flights --partition 0 --offset 1000 --rows 3
    """
    from octo_cli.kafka_answers import PeekAnswer
    from octo_core.refusals import read_refusal
    from octo_resources.sources.kafka.peek import peek as look

    space, pipeline = opened(name)
    called, spec = _source(pipeline, source)
    found = look(spec, space.project, rows, topic=topic, partition=partition, offset=offset)
    records: list[dict[str, Any]] = []
    shown: list[str] = []
    refused: list[dict[str, Any]] = []
    for line in found.lines:
        text = line.decode("utf-8", "replace")
        refusal = read_refusal(text)
        if refusal is not None:
            refused.append({"reason": refusal.reason, "value": refusal.value, **refusal.at})
            continue
        try:
            records.append(json.loads(text, parse_float=str))
            shown.append(text)
        except ValueError as error:
            refused.append({"reason": f"malformed JSON: {error}", "value": text})
    answer = PeekAnswer(
        pipeline=name,
        source=called,
        topics=found.topics,
        messages=found.messages,
        records=tuple(records),
        refused=tuple(refused),
    )
    lines = [*shown, *(f"would be set aside: {json.dumps(one, ensure_ascii=False)}" for one in refused)]
    none = (
        "no messages" if offset is None else "no messages at these offsets; compaction leaves gaps: ask for more --rows"
    )
    console.answer(answer, "\n".join(console.clean(line) for line in lines) or none)


def _source(pipeline: "Pipeline", source: str | None, *, any_of: bool = False) -> "tuple[str, KafkaSource]":
    from octo_resources.flow.offsets import kafka_sources

    found = kafka_sources(pipeline)
    if not found:
        raise UsageError(f"{pipeline.name} reads nothing from Kafka", hint="a source of it has to be: kind: kafka")
    if source is None and (len(found) == 1 or any_of):
        return next(iter(found.items()))
    if source is None:
        raise UsageError(f"{pipeline.name} reads several sources from Kafka", hint=f"--source {' | '.join(found)}")
    if source not in found:
        raise UsageError(f"{pipeline.name} has no Kafka source '{source}'", hint=f"There are: {', '.join(found)}")
    return source, found[source]


def _topics(spec: "KafkaSource", project: Any) -> "tuple[TopicRow, ...]":
    from octo_cli.kafka_answers import TopicRow
    from octo_resources.kafka.client import client_settings
    from octo_resources.kafka.cluster import Cluster

    with Cluster(client_settings(spec, project)) as cluster:
        read = {one.name for one in cluster.topics(spec.topic)}
        every = cluster.topics(cluster.names())
        keeping, ends = cluster.keeping(every), cluster.ends(every)
    messages: dict[str, int] = {}
    for end in ends:
        messages[end.topic] = messages.get(end.topic, 0) + end.high - end.low
    return tuple(
        TopicRow(
            name=one.name,
            id=one.id,
            partitions=len(one.partitions),
            messages=messages.get(one.name, 0),
            retention_hours=kept.retention_ms / 3_600_000 if kept is not None and kept.retention_ms else None,
            compacted=kept is not None and kept.compacted,
            read=one.name in read,
        )
        for one in every
        for kept in (keeping.get(one.name),)
    )


def _lag(found: "Waiting") -> "list[LagRow]":
    from octo_cli.kafka_answers import LagRow
    from octo_core.offsets import behind

    rows = []
    for one in sorted(found.ends, key=lambda one: one.place):
        position = found.position.next(*one.place) if found.position.knows(one) else None
        rows.append(
            LagRow(
                source=found.source,
                topic=one.topic,
                partition=one.partition,
                position=position,
                low=one.low,
                high=one.high,
                lag=behind(found.position, one),
                lost=max(0, one.low - position) if position is not None else 0,
            )
        )
    return rows
