"""The Tecton HTTP client: one transport, one module per Tecton service, wire <-> core."""

from app.tecton.client import TectonClient, TectonService, open_tecton
from app.tecton.config import Paths, TectonConfig
from app.tecton.preflight import Check, Preflight
from app.tecton.retry import Retry

__all__ = [
    "Check",
    "Paths",
    "Preflight",
    "Retry",
    "TectonClient",
    "TectonConfig",
    "TectonService",
    "open_tecton",
]
