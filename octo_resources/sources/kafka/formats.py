"""Which reader a source's `format` asks for."""

from octo_core.errors import NotSupportedYet
from octo_core.spec.sources import KafkaSource
from octo_resources.sources.kafka.lines import Lines, csv_lines, json_lines, text_lines
from octo_resources.sources.place import Place


def lines_of(spec: KafkaSource, place: Place) -> Lines:
    """What makes lines of a source's messages. Raises UsageError for what the file lacks."""
    del place
    if spec.format == "json":
        return json_lines(spec)
    if spec.format == "text":
        return text_lines(spec)
    if spec.format == "csv":
        return csv_lines(spec)
    raise NotSupportedYet(f"messages in {spec.format} are not supported yet")
