"""Push: items, queue, API, and what is loaded of them."""
