"""`python -m lib.embedded --port 9000`: the gateway alone, for trying other programs against it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from lib.embedded.routes import VIDEO_FORMS
from lib.embedded.server import EmbeddedGateway
from lib.errors import SettingsError
from lib.secret import key_from


def main(arguments: list[str] | None = None) -> int:
    """Serves until interrupted. Exit code 2 when the port or the key cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        gateway = EmbeddedGateway(
            port=options.port,
            key=key_from(options.key) if options.key else None,
            speed=options.speed,
            reject_unknown=options.strict,
            video_forms=options.video_forms,
        ).start()
    except SettingsError as error:
        sys.stderr.write(f"cannot serve: {error.field}: {error.message}\n")
        return 2
    sys.stdout.write(f"base URL  {gateway.base_url}\nkey       {gateway.key.reveal()}\n")
    sys.stdout.flush()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    over.wait()
    gateway.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.embedded", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--key", help="the key to accept (default: a random one)")
    parser.add_argument("--speed", type=float, default=1.0, help="1 is lifelike, 10 ten times as fast, 0 never waits")
    parser.add_argument("--strict", action="store_true", help="refuse unknown fields on chat completions")
    parser.add_argument(
        "--video-forms",
        nargs="*",
        choices=VIDEO_FORMS,
        default=VIDEO_FORMS,
        metavar="FORM",
        help=f"ways of sending video that are understood, others get lost silently: {', '.join(VIDEO_FORMS)}",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
