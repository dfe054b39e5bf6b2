"""What every command's --json document is made of."""

from pydantic import ConfigDict

from octo_core.schema import Frozen


class Answer(Frozen):
    """A document, or a part of one. Its validator is made when it is first used: all of them at once take 20 ms."""

    model_config = ConfigDict(defer_build=True)
