"""A local GigaChat for the demo and for tests: as strict as the real service where its refusals are known.

``with Sandbox() as sandbox: …`` runs one; it needs the ``sandbox`` extra. It is written from the API's contract
alone and shares no code with the provider it judges.
"""

from __future__ import annotations

from .brain.model import Call, Question, Reply
from .knobs import Fault, Knobs, StreamKnobs
from .rules.refusal import Refusal
from .server import Sandbox, run_forever
from .state import Recorded

__all__ = [
    "Call",
    "Fault",
    "Knobs",
    "Question",
    "Recorded",
    "Refusal",
    "Reply",
    "Sandbox",
    "StreamKnobs",
    "run_forever",
]
