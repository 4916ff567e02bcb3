"""Runs the embedded gateway: its own thread, its own loopback port, a random key."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

import uvicorn

from lib.cards import ModelCard, VideoForm
from lib.catalogue import load_catalogue
from lib.embedded.faults import Faults
from lib.embedded.offer import offered
from lib.embedded.request_log import RequestLog
from lib.embedded.routes import MAX_BODY, VIDEO_FORMS, Arrangement, Reception
from lib.errors import SettingsError
from lib.secret import Secret

_HOST: Final = "127.0.0.1"
_START_S: Final = 10.0
_STOP_S: Final = 5.0


class EmbeddedGateway:
    """The documented API over real HTTP on 127.0.0.1, for as long as it is started.

    `port` 0 takes a free one. `speed` 1 is lifelike, larger is faster, 0 never waits. Raises SettingsError from
    `start` when the port cannot be had. Videos that are sent in another form than `video_forms` get lost silently, as
    they do at many a gateway.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        key: Secret | None = None,
        speed: float = 1.0,
        catalogue: Iterable[ModelCard] | None = None,
        reject_unknown: bool = False,
        max_body: int = MAX_BODY,
        faults: Faults | None = None,
        video_forms: Iterable[VideoForm] = VIDEO_FORMS,
    ) -> None:
        self.key = key or Secret(f"sk-demo-{secrets.token_urlsafe(24)}")
        self.models = offered(load_catalogue() if catalogue is None else catalogue)
        self.requests = RequestLog()
        arrangement = Arrangement(self.key, self.models, speed, reject_unknown, max_body, faults, tuple(video_forms))
        self._app = Reception(arrangement, self.requests).app()
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, without a path; kept after `stop`. RuntimeError before the first `start`."""
        if self._port == 0:
            raise RuntimeError("the embedded gateway is not started")
        return f"http://{_HOST}:{self._port}"

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> Self:
        """Binds the port and serves; returns when requests are accepted. Starting twice changes nothing."""
        if self.running:
            return self
        listener = self._bind()
        self._port = listener.getsockname()[1]
        self._server = uvicorn.Server(_config(self._app))
        arguments = {"sockets": [listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=arguments, name="embedded-gateway", daemon=True)
        self._thread.start()
        self._wait_until_started(self._server)
        return self

    def _bind(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, self._port))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            listener.close()
            raise SettingsError("port", "port_taken") from error
        return listener

    def _wait_until_started(self, server: uvicorn.Server) -> None:
        # The socket listens already, so a request sent now is only queued; started is for the certainty.
        pause = threading.Event()
        for _ in range(int(_START_S / 0.005)):
            if server.started or not self.running:
                return
            pause.wait(0.005)

    def stop(self) -> None:
        """Stops serving; answers in progress are cut. Stopping twice changes nothing."""
        server, thread = self._server, self._thread
        self._server, self._thread = None, None
        if server is None or thread is None:
            return
        server.should_exit = True
        thread.join(_STOP_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # Starlette is an ASGI application; uvicorn's alias does not see it
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        # Cut answers are this server's daily bread; real mistakes are logged by `routes`.
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=0,
    )
