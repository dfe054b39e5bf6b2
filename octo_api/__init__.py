"""The HTTP API: what comes from outside is checked, made durable, and then acknowledged."""
