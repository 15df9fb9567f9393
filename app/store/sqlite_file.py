"""The file of an SQLite database: made where there is none, and the same one for as long as it is open."""

from __future__ import annotations

from pathlib import Path

Identity = tuple[int, int]  # device and inode


class SqliteFile:
    """A database file by its path, and by which file that was when it was first opened.

    Whoever deletes or replaces an open file leaves its connections with one that has no name any more: what
    they commit is gone with them. SQLite does not notice; so it is looked for here, which takes microseconds.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._opened: Identity | None = None

    @property
    def exists(self) -> bool:
        """Tell whether there is a file at the path."""
        return self._identity() is not None

    @property
    def is_in_place(self) -> bool:
        """Tell whether the path still leads to the file that was opened; true before one was."""
        opened = self._opened
        return opened is None or self._identity() == opened

    def make_directory(self) -> None:
        """Make the directory for the file. Raise OSError when that cannot be done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def note_opened(self) -> None:
        """Remember which file is open, unless one was open before."""
        self._opened = self._opened or self._identity()

    def note_closed(self) -> None:
        """Forget which file was open: the next may be another."""
        self._opened = None

    def _identity(self) -> Identity | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
