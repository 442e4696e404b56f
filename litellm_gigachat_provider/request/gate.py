"""What may pass: one place that knows the contract and whether the caller said ``drop_params``."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UnsupportedParamError
from ..types import Contract

USE_V2 = 'Use api_version="v2", or set drop_params=True to leave it out.'
DROP = "Leave it out, or set drop_params=True."


@dataclass(frozen=True, slots=True)
class Gate:
    contract: Contract
    drop_params: bool = False

    def unsupported(self, field: str, problem: str, remedy: str = DROP) -> None:
        """Refuse what GigaChat has no counterpart for; returns where ``drop_params`` says to leave it out."""
        if not self.drop_params:
            raise UnsupportedParamError(field, problem, remedy)
