"""The state on disk: one SQLite row per record, committed before the answer is sent.

`synchronous=OFF` is enough for what is promised: a commit is handed to the operating system before
the answer leaves, so a killed process loses nothing. (A power failure may; this is a sandbox.)
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.sandbox.world.codec import decode, encode
from app.sandbox.world.tables import Change, Tables

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS call (n INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


class StateFile:
    """One open state file, safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; raises sqlite3.DatabaseError when it is something else."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)

    def load(self, tables: Tables) -> bool:
        """Fill the tables; return False when the file holds nothing yet."""
        kinds = tables.all()
        rows = self._db.execute("SELECT kind, body, seq FROM record ORDER BY seq").fetchall()
        for kind, body, seq in rows:
            kinds[kind].put(decode(kinds[kind].record, json.loads(body)))
            tables.seq = max(tables.seq, seq)
        return bool(rows)

    def write(self, changes: list[Change]) -> None:
        """Write the last state of every changed record, in one transaction."""
        last = {(change.table, change.id): change.after for change in changes}
        with self._lock, self._db:
            self._db.execute("BEGIN")
            for (kind, record_id), after in last.items():
                self._write_one(kind, record_id, after)

    def append_call(self, n: int, call: dict[str, Any]) -> None:
        """Write one line of the call log."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO call VALUES (?, ?)", (n, json.dumps(call)))

    def clear_calls(self) -> None:
        """Remove the call log."""
        with self._lock:
            self._db.execute("DELETE FROM call")

    def calls(self, newest: int) -> Iterator[dict[str, Any]]:
        """Yield the newest lines of the call log, oldest first."""
        query = "SELECT body FROM (SELECT n, body FROM call ORDER BY n DESC LIMIT ?) ORDER BY n"
        for (body,) in self._db.execute(query, (newest,)):
            yield json.loads(body)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _write_one(self, kind: str, record_id: str, after: Any) -> None:
        if after is None:
            self._db.execute("DELETE FROM record WHERE kind = ? AND id = ?", (kind, record_id))
            return
        row = (kind, record_id, after.seq, json.dumps(encode(after)))
        self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", row)
