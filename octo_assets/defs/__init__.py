"""Assets of your own beside the pipelines: whatever `dg scaffold defs` puts here is loaded with them."""
