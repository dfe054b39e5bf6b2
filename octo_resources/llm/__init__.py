"""Language models, behind one door: `Door.ask` gives a validated reply or a reason why there is none."""

from octo_resources.llm.door import Door, Question, Unanswered
from octo_resources.llm.settings import Access, access, door

__all__ = ["Access", "Door", "Question", "Unanswered", "access", "door"]
