"""The login: a local password for one or more named owners. Off as long as there is no account."""

from __future__ import annotations

from lib.login.login import Login, Who

__all__ = ["Login", "Who"]
