"""`python -m octo_api`: serves the API of a project folder; `octopipe serve` starts it."""

import argparse
import logging
import sys

from octo_core.errors import OctopipeError
from octo_resources.project import Project


def main() -> int:
    """Serve until a signal ends it; what was handed in is written first. The exit code."""
    asked = _arguments()
    try:
        import uvicorn

        from octo_api.app import config, create_app
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed\n  pip install 'octopipe[api]'\n")
        return 2
    try:
        app = create_app(Project.find())
    except OctopipeError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    server = uvicorn.Server(config(app, asked.host, asked.port))
    sys.setswitchinterval(0.0005)  # the thread that commits gets in at once, not after 5 ms
    server.run()
    return 0 if server.started else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m octo_api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
