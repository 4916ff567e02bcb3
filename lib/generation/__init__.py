"""Answers while they are produced: the engine that runs them, their live text, and what their end writes down.

Truth is the store; a `LiveAnswer` is only the shortcut for pages of the same process. Nothing here calls a page.
"""

from lib.generation.batch_money import BatchQuote
from lib.generation.batches import Batches, Progress
from lib.generation.desk import Desk
from lib.generation.doors import Sent, SharedDoor
from lib.generation.engine import Engine
from lib.generation.follow import Followed, StoredAnswer
from lib.generation.live import LiveAnswer, News
from lib.generation.measure import Tariff

__all__ = [
    "BatchQuote",
    "Batches",
    "Desk",
    "Engine",
    "Followed",
    "LiveAnswer",
    "News",
    "Progress",
    "Sent",
    "SharedDoor",
    "StoredAnswer",
    "Tariff",
]
