"""The demo: a sandbox and a bridge as separate processes, and a day of pushes replayed over HTTP.

It looks at both from outside alone: at the bridge over SCIM and its commands, at the sandbox through the
control API. What Tecton must hold is written in the files of the day; none of the bridge's own code
decides whether the bridge was right.
"""
