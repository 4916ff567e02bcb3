"""What can be done with the messages that wait behind a running answer."""

from __future__ import annotations

from lib.errors import NotFound, ParlourError
from lib.store.rows import QueueItem
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services


class QueueDeeds:
    """Of the conversation `id`; None is one that has not begun."""

    id: str | None

    @property
    def queue(self) -> list[QueueItem]:
        """What waits behind the running answer."""
        return services().store.queue.list(services().owner, self.id) if self.id else []

    def do_queue(self, item: str, deed: str, value: str) -> None:
        """What was chosen on a waiting message: "edit" with its new text, "up", "down", "remove", "now"."""
        queue, owner = services().store.queue, services().owner
        waiting = [found.public_id for found in self.queue]
        try:
            if item not in waiting:
                raise NotFound("queue_item")
            match deed:
                case "edit" if value.strip():
                    queue.update(owner, item, value)
                case "up" | "down":
                    queue.move(owner, item, max(0, waiting.index(item) + (1 if deed == "down" else -1)))
                case "remove":
                    queue.remove(owner, item)
                case "now":
                    services().desk.send_now(self.id or "", item)
        except NotFound:
            say_once("That message has already been sent.")
        except ParlourError as error:
            say_once(notice_for(error).text)

    def resume_queue(self) -> None:
        """Send what waits; it goes on waiting when a budget says no."""
        if self.id:
            try:
                services().desk.resume_queue(self.id)
            except ParlourError as error:
                say_once(notice_for(error).text)
