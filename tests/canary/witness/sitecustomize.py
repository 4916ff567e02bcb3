"""Writes down, when it is asked to by a signal, which of Streamlit's options are in force in this process."""

import json
import os
import signal
import sys
from pathlib import Path


def write_down(*_: object) -> None:
    config = sys.modules["streamlit.config"]
    told = {name: config.get_option(name) for name in os.environ["WITNESS_OPTIONS"].split(",")}
    told["server.cookieSecret"] = len(str(config.get_option("server.cookieSecret")))  # never the secret itself
    file = Path(os.environ["WITNESS_FILE"])
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(told))
    draft.rename(file)


signal.signal(signal.SIGUSR1, write_down)
