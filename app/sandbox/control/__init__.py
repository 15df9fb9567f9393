"""The control API under /_sandbox: reading and changing the sandbox itself, without a Tecton key."""
