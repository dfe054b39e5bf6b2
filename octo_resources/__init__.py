"""All that touches the outside: sources, landing, destinations, engines, registry, and the flow that joins them."""
