"""The door for users' files: each is looked at once, by its content, in a child process with little room.

`take_in` makes an `Attachment` of a file, `frames` pictures of a clip. Neither raises because of what is in a file.
"""

from lib.intake.job import Limits
from lib.intake.taking import frames, take_in

__all__ = ["Limits", "frames", "take_in"]
