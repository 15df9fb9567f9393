"""SQL: what was pushed, what was observed in Tecton, what was last applied, runs, queue, leases.

The only room that knows SQLAlchemy. SQLite (WAL) is the embedded default, PostgreSQL the other; every
query runs on both. Functions take the open connection of their caller, so that a caller decides what
is one transaction; only `Database` opens them.
"""
