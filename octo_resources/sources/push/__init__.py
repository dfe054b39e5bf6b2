"""What others send: a durable queue that takes it, and the extraction that lands it as batches."""
