"""Copy the database of a running Parlour: `python -m lib.backup FILE`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lib.errors import ParlourError
from lib.settings import load
from lib.store.files import FILE_NAME, copy_database


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a consistent copy of the data folder's database to FILE; the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1 or given[0].startswith("-"):
        sys.stderr.write("usage: python -m lib.backup FILE\n")
        return 2
    settings = load()
    if settings.database_url:
        sys.stderr.write("This data is in PostgreSQL: back it up with pg_dump.\n")
        return 2
    source, target = settings.data_dir / FILE_NAME, Path(given[0])
    try:
        if not source.exists():
            sys.stderr.write(f"There is no database in {settings.data_dir}.\n")
            return 1
        copy_database(source, target)
    except ParlourError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    sys.stdout.write(f"Copied to {target}. Keep {settings.data_dir / 'parlour.key'} beside it: it unlocks the keys.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
