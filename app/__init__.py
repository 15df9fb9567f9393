"""Tecton SCIM Bridge.

A SCIM 2.0 service provider that Okta and Microsoft Entra ID push to, a SQL store of the state they
desire, and a reconciler that keeps Tecton's users, groups, service accounts and role assignments
equal to it. `README.md` beside this file walks a push through the rooms.
"""

__version__ = "0.1.0"
