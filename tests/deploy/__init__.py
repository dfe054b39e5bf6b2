"""What deploy/ holds: each part by its own tool as far as that runs here, and the whole of it at work."""
