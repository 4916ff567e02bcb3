"""What stands between the network and the app: headers, the check of who knocks, and our own routes.

Pure ASGI, so websockets pass through it as well. Nothing here knows a conversation, a key or a page.
"""

from __future__ import annotations

from lib.web.answers import answer_routes
from lib.web.attachments import attachment_routes
from lib.web.drafts import draft_routes
from lib.web.login import visitor
from lib.web.routes import routes
from lib.web.shares import share_routes
from lib.web.stack import middleware

__all__ = ["answer_routes", "attachment_routes", "draft_routes", "middleware", "routes", "share_routes", "visitor"]
