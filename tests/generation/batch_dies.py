"""A process that is killed in a batch: `python -m tests.generation.batch_dies FOLDER URL ROWS`, the key on stdin.

Prints the run's id, then a line for each row that is done.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from lib.bootstrap import Services
from lib.messages import FilePart
from lib.secret import Secret
from lib.settings import ConfiguredGateway, Settings
from lib.store.rows import Settings as Choice


def opened(folder: Path, url: str, key: str) -> Services:
    """Services over one gateway, as if the environment named it."""
    configured = ConfiguredGateway("test", url, Secret(key), ("openai",), "environment")
    services = Services(Settings(data_dir=folder, demo="off", gateways=(configured,)))
    [card] = services.gateways.cards()
    services.gateways.refresh(card.id).result(10)
    return services


def main(folder: Path, url: str, rows: int) -> None:
    services = opened(folder, url, sys.stdin.readline().strip())
    batches, owner, [card] = services.store.batches, services.owner, services.gateways.cards()
    batch = batches.create(owner, "Letters", "n=40 tps=200", parallel=3)
    batches.add_rows(owner, batch.public_id, [(f"{at}.txt", (FilePart(f"{at}.txt", "words"),)) for at in range(rows)])
    run = batches.add_run(owner, batch.public_id, services.gateways.ref(Choice(card.id, "gpt-5.4")))
    services.desk.batches.start(run.public_id)
    print(run.public_id, flush=True)
    done = 0
    while done < rows:
        now = batches.counts(owner, run.public_id).get("done", 0)
        for _ in range(now - done):
            print("done", flush=True)
        done = now
        time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
