"""The gateway in the box: the documented API as a real HTTP server on this machine, answered by a demo, no model.

`EmbeddedGateway` runs it on a thread; `python -m lib.embedded` serves it alone.
"""

from lib.embedded.server import EmbeddedGateway

__all__ = ["EmbeddedGateway"]
