"""What a call costs: by the file's own `price`, else by genai-prices' list, which is part of that package."""

from decimal import Decimal

from octo_core.spec.llm import Price


def cost(model: str, tokens_in: int, tokens_out: int, own: Price | None) -> Decimal | None:
    """US dollars; None where nobody says what the model costs."""
    if own is not None:
        return (own.input * tokens_in + own.output * tokens_out) / 1_000_000
    provider, _, name = model.partition("/")
    if provider == "ollama":
        return Decimal(0)
    try:
        from genai_prices import Usage, calc_price

        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
        return calc_price(usage, model_ref=name, provider_id=provider).total_price
    except (ImportError, LookupError, ValueError):
        return None
