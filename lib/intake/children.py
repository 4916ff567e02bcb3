"""The children that decode: a few at a time, each for many files, none trusted, none waited for too long."""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock, Semaphore

import msgspec

from lib.attachments import Problem
from lib.intake.job import COMPLAINTS, DONE, ROOMS, STARTED, Job

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-m", "lib.intake.child")
ENVIRONMENT = {"PYTHONUTF8": "1", "MALLOC_ARENA_MAX": "2", "PYTHONDONTWRITEBYTECODE": "1"}
"""No variable of ours reaches a child: a key in it would lie beside code that reads hostile files. Each arena of the
C library's allocator reserves 64 MB of the address space that we limit."""

AT_ONCE = 2
JOBS_EACH = 50
START_SECONDS = 20.0
_CPU_SIGNALS = (-signal.SIGXCPU,)
_OUT_OF_MEMORY = (b"memory allocation of", b"bad_alloc", b"annot allocate memory", b"MemoryError", b"ut of memory")


class Child:
    """One process. It says `s` when it has read a job and `d` when the result lies in the job's folder."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            COMMAND,
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self.jobs = 0

    @property
    def fit(self) -> bool:
        """Whether it may get another job."""
        return self._process.poll() is None and self.jobs < JOBS_EACH

    def starts(self, job: Job) -> bool:
        """Whether it took the job. A child that waited long may just have gone home."""
        self.jobs += 1
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            self._process.stdin.flush()
        except OSError:
            return False
        return self._says(START_SECONDS) == STARTED

    def ends(self, job: Job) -> Problem | None:
        """None when the result is there, otherwise why it is not; then this child is gone."""
        said = self._says(ROOMS[job.kind].seconds)
        if said == DONE:
            return None
        late = said is None
        most_memory = self.close()
        if late or self._process.returncode in _CPU_SIGNALS:
            return "took_too_long"
        full = most_memory > ROOMS[job.kind].memory // 2
        return "too_much_memory" if full or _ran_out_of_memory(job) else "damaged"

    def close(self) -> int:
        """End it; the most memory that it ever had, in bytes."""
        self._process.kill()
        most_memory = 0
        if self._process.returncode is None:
            _, status, used = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            most_memory = used.ru_maxrss * 1024
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return most_memory

    def _says(self, seconds: float) -> bytes | None:
        """One byte, b"" when it died, None when it says nothing for so long."""
        assert self._process.stdout is not None
        fd, until = self._process.stdout.fileno(), time.monotonic() + seconds
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while (left := until - time.monotonic()) > 0:
            if poll.poll(left * 1000):
                return os.read(fd, 1)
        return None


class Children:
    """At most `AT_ONCE` children; who comes when all are busy waits, without its own time running."""

    def __init__(self) -> None:
        self._idle: list[Child] = []
        self._lock = Lock()
        self._places = Semaphore(AT_ONCE)

    def work(self, job: Job) -> Problem | None:
        """None when the result lies in the job's folder, otherwise what prevented it."""
        with self._places:
            child = self._started(job)
            problem = child.ends(job)
            if problem is None:
                self._put_back(child)
            return problem

    def close(self) -> None:
        """End those that wait for work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()

    def _started(self, job: Job) -> Child:
        """A child that took the job: one that waits, or a new one."""
        while (child := self._waiting()) is not None:
            if child.starts(job):
                return child
            child.close()
        child = Child()
        if not child.starts(job):
            child.close()
            raise OSError("the process that looks at files cannot be started")
        return child

    def _waiting(self) -> Child | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _put_back(self, child: Child) -> None:
        if not child.fit:
            child.close()
            return
        with self._lock:
            self._idle.append(child)


def _ran_out_of_memory(job: Job) -> bool:
    """Whether the last words of a dead child say so. They are read for this only, and never shown or logged."""
    try:
        last_words = (Path(job.folder) / COMPLAINTS).read_bytes()[-4096:]
    except OSError:
        return False
    return any(sign in last_words for sign in _OUT_OF_MEMORY)


CHILDREN = Children()
atexit.register(CHILDREN.close)
