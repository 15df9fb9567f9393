"""What the sandbox's Tecton holds, and what may be done to it. Knows nothing of HTTP."""
