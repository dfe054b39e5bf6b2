"""Relations that are made before a mapping is laid over them: elements of lists, joins; as lines of JSON on disk."""
