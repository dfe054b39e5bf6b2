"""What this code location defines, one folder a part."""
