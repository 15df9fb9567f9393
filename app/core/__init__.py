"""The pure core: who should have which access, who has it, and what has to change.

Plain immutable values and functions of them. No input or output, no clock, no randomness, no logging:
the time is an argument. The same type, `AccessState`, stands on both sides of every comparison.
"""
