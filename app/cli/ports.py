"""The ports that a command can be told to listen on."""

from __future__ import annotations

import click

PORT = click.IntRange(0, 65535)  # what is beyond would be taken modulo 65536 by the system
