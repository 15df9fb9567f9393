"""A simulator of Tecton: its HTTP API with state, real permission checks, switches for everything
nobody outside knows, and faults on demand. It shares no code with the rest of the product.

Start with `application.create_app`; `world/` is what Tecton holds, `gateway.py` the way of a call,
`knob_table.py` the switches, `control/` the API for tests, `pages/` the web page.
"""

from app.sandbox.application import create_app

__all__ = ["create_app"]
