"""The use cases: observe Tecton, plan, apply, sweep, drain the dirty queue.

They own the ports that they need (`ports.py`); the adapters in `app.tecton` and `app.store` fit them.
"""
