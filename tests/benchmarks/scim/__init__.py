"""How fast SCIM is served: a load driver against gunicorn with two workers, beside a floor application.

Run it with `python -m tests.benchmarks.scim`. The floor does the least durable work there can be with
Flask and SQLAlchemy: figures move with the machine, ratios taken in one run do not.
"""
