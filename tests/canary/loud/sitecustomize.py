"""Makes a process talk as much as it can: every logger at debug, also those that are quiet on purpose."""

import logging
import sys

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
for name in (
    *("parlour", "httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"),
    *("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "asyncio", "uvicorn", "uvicorn.access", "uvicorn.error"),
    *("websockets", "websockets.server", "starlette", "streamlit", "PIL", "libav", "concurrent.futures", "multipart"),
):
    logging.getLogger(name).setLevel(logging.DEBUG)
