"""The child process: reads jobs from stdin, one per line, and does each within its room."""

from __future__ import annotations

import os
import resource
import select
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from lib.attachments import Attachment
from lib.intake.job import COMPLAINTS, DONE, MIB, ROOMS, STARTED, Job
from lib.intake.outbox import Refused, lay_down
from lib.intake.work import done

IDLE_SECONDS = 120
MOST_OPEN_FILES = 64
MOST_WRITTEN = 400 * MIB
_REFUSED_EVENTS = ("socket.connect", "socket.bind", "subprocess.Popen", "os.exec", "os.fork", "os.system")


def main() -> None:
    """Until there are no more jobs: the parent closed the pipe, or forgot about us."""
    _bound_for_good()
    pending = b""
    while True:
        line, newline, pending = pending.partition(b"\n")
        if newline:
            _work(msgspec.json.decode(line, type=Job))
            continue
        pending = line
        if not select.select([0], [], [], IDLE_SECONDS)[0] or not (more := os.read(0, 65536)):
            return
        pending += more


def _work(job: Job) -> None:
    os.write(1, STARTED)
    _complain_into(Path(job.folder) / COMPLAINTS)
    _bound(job)
    lay_down(_attempted(job), job)
    os.write(1, DONE)


def _attempted(job: Job) -> Attachment:
    """The attachment, with a problem instead of forms when nothing can be sent."""
    refused = Attachment(job.name, job.kind, job.media_type, job.size)
    try:
        return done(job)
    except Refused as refusal:
        return replace(refused, problem=refusal.problem)
    except MemoryError:
        return replace(refused, problem="too_much_memory")


def _bound_for_good() -> None:
    """Limits for the whole life: no memory dumps, few files, no network and no programs, and last in the queue."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN_FILES, MOST_OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    os.nice(5)
    os.umask(0o077)
    sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event in _REFUSED_EVENTS:
        raise PermissionError(event)


def _bound(job: Job) -> None:
    """Memory and processor time for this job; the clock is the parent's."""
    room = ROOMS[job.kind]
    with suppress(ValueError):  # macOS refuses it; the clock and the checks of every header are left there
        resource.setrlimit(resource.RLIMIT_AS, (room.memory, resource.RLIM_INFINITY))
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + 2 * room.seconds) + 1  # libraries may use two processors at once
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


def _complain_into(path: Path) -> None:
    """stderr goes to the job's folder: what a library says as it dies tells memory from damage."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.dup2(fd, 2)
    os.close(fd)


if __name__ == "__main__":
    main()
