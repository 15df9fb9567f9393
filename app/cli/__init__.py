"""The commands of `python -m app`, one module each, imported when called.

Every command has `--help`; `--json` prints one JSON document on stdout; logs go to stderr. Exit
codes: 0 fine, 1 refused or failed, 2 usage.
"""

from app.cli.main import main

__all__ = ["main"]
