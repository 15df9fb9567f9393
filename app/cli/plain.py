"""Text for a terminal: names were pushed by others, and may hold what a terminal obeys."""

from __future__ import annotations

import re

# C0, DEL and C1, the separators of lines and paragraphs, and what turns the direction of writing.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Return a text whose control characters are written out, such as `\x1b`."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
