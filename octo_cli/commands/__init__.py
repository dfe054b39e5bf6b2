"""One module a family of commands; imported when one of its commands runs, never for `octopipe --help`."""
