"""What the console script calls: Ctrl-C is told in a word from the first moment, while imports still run, too."""

import sys

_DOCUMENT = (
    '{"error": {"kind": "Interrupted", "message": "interrupted", "where": null, "hint": null, "mistakes": []}}\n'
)


def run() -> None:
    """The console script. Imports take a third of a second, in which nothing else would hear a Ctrl-C."""
    try:
        from octo_cli.main import run as command
    except KeyboardInterrupt:
        if "--json" in sys.argv:  # what console.interrupted prints, which is not there yet
            sys.stdout.write(_DOCUMENT)
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    command()
