"""A line between Parlour and PostgreSQL that breaks at the worst moment: after a COMMIT, before its answer."""

from __future__ import annotations

import selectors
import socket
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_SOCKET = ".s.PGSQL.5432"


class CutLine:
    """Listens in `folder` and passes everything on to the server at `url`; `url` of this object leads through it.

    After `cut(n)` the n-th COMMIT reaches the server and is answered, but nobody hears the answer. `cuts` counts.
    """

    def __init__(self, url: str, folder: Path) -> None:
        host = parse_qs(urlsplit(url).query)["host"][0]
        self.url = url.replace(host, str(folder), 1)
        self.cuts = 0
        self.down = False
        self._server = Path(host) / _SOCKET
        self._left = 0
        self._for_good = False
        self._lock = threading.Lock()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / _SOCKET))
        self._listening.listen(64)
        self._thread = threading.Thread(target=self._accept, name="cut-line", daemon=True)
        self._thread.start()

    def cut(self, at: int, *, for_good: bool = False) -> None:
        """The n-th COMMIT from now on; `for_good` keeps the line dead afterwards, until `mend`."""
        with self._lock:
            self._left, self.cuts, self._for_good = at, 0, for_good

    def mend(self) -> None:
        with self._lock:
            self._left, self.down = 0, False

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        with near, far, selectors.DefaultSelector() as waiting:
            try:
                far.connect(str(self._server))
                for one, other in ((near, far), (far, near)):
                    waiting.register(one, selectors.EVENT_READ, other)
                while self._passed(waiting, near):
                    pass
            except OSError:
                return

    def _passed(self, waiting: selectors.DefaultSelector, near: socket.socket) -> bool:
        """Pass on what there is; False when the line is to be cut or has ended."""
        for key, _ in waiting.select():
            one, other = key.fileobj, key.data
            assert isinstance(one, socket.socket)
            data = one.recv(1 << 16)
            if not data or self.down:
                return False
            other.sendall(data)
            if one is near and b"COMMIT\0" in data and self._strikes():
                other.recv(1 << 16)
                return False
        return True

    def _strikes(self) -> bool:
        with self._lock:
            self._left -= 1
            self.cuts += self._left == 0
            self.down = self.down or (self._for_good and self._left == 0)
            return self._left == 0
