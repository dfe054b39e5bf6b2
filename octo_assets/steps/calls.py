"""What a language model was asked for a step: its newest calls, as a table on the asset's page."""

from typing import TYPE_CHECKING

import dagster as dg

from octo_assets.steps.common import Materialized

if TYPE_CHECKING:
    from octo_resources.flow import Workspace

SHOWN = 10


def with_calls(
    result: Materialized, space: "Workspace", pipeline: str, purpose: str, part: str | None = None
) -> Materialized:
    """The result with its calls, where there are any; the texts are behind `octopipe llm show`."""
    calls = [
        call
        for call in space.registry.llm_calls.newest(pipeline, 100)
        if call.purpose == purpose and part in (None, call.part)
    ][:SHOWN]
    if not calls:
        return result
    rows = [
        f"| {call.id} | {call.model} | {call.part} | {call.state} | {call.tokens_in + call.tokens_out:,} | "
        f"{'?' if call.cost is None else f'{call.cost:.4f}'} | {call.seconds:.1f} | {call.reused} |"
        for call in calls
    ]
    head = "| call | model | of | state | tokens | USD | seconds | reused |\n|---|---|---|---|---|---|---|---|\n"
    shown = dg.MarkdownMetadataValue(head + "\n".join(rows) + "\n\n`octopipe llm show CALL` shows prompt and answer.")
    tokens = sum(call.tokens_in + call.tokens_out for call in calls)
    metadata = {**(result.metadata or {}), "calls to language models": shown, "llm_tokens": tokens}
    return result._replace(metadata=metadata)
