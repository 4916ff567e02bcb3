"""Writes down every address that this process connects to or asks the name of. Python runs it before anything else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HEARD = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")


def _hear(event: str, given: tuple[object, ...]) -> None:
    if event in HEARD:
        with Path(os.environ["OVERHEARD"]).open("a") as file:
            file.write(f"{event} {given[-1] if event in ('socket.connect', 'socket.sendto') else given[0]}\n")


if "OVERHEARD" in os.environ:
    sys.addaudithook(_hear)
