"""A transport together with the counter of one run: what the modules of the services are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.tecton.config import TectonConfig
from app.tecton.credentials import Credential, Nobody
from app.tecton.limits import CallCounter
from app.tecton.transport import Transport
from app.tecton.wire import Request


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes the calls of one run."""

    transport: Transport
    counter: CallCounter = field(default_factory=CallCounter)

    @property
    def config(self) -> TectonConfig:
        """How to treat this Tecton."""
        return self.transport.config

    def call(self, request: Request) -> Any:
        """Make a call and return the JSON of its answer. Raise TectonError."""
        return self.transport.call(request, self.counter)

    def calling_scim(self) -> Caller:
        """Return a caller that shows the key in the way in which SCIM takes it."""
        config = self.config
        return self.calling_as(lambda: Credential(config.scim_auth_scheme, config.api_key))

    def calling_as(self, credential: Callable[[], Nobody]) -> Caller:
        """Return a caller with another credential and the same counter."""
        return Caller(self.transport.with_credential(credential), self.counter)
