"""No text of a user, a browser or a model becomes a path: by reading our code, and by asking a real server.

A file with a mark lies beside the data folder, the data folder holds the key file and the database; nothing that is
asked for over HTTP brings a byte of them, however the way there is spelt.
"""

from __future__ import annotations

import ast
import itertools
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lib.ids import new_id, new_public_id
from tests.test_starting import STREAMLIT, Started, started

ROOT = Path(__file__).resolve().parent.parent
MARK = b"CANARY-outside-4f8e1b77"

# --- our code -------------------------------------------------------------------------------------------------------

TOUCHES = frozenset(
    {
        *(
            "Path",
            "PurePath",
            "open",
            "fdopen",
            "read_text",
            "read_bytes",
            "write_text",
            "write_bytes",
            "touch",
            "mkdir",
        ),
        *(
            "makedirs",
            "unlink",
            "rmtree",
            "listdir",
            "scandir",
            "glob",
            "rglob",
            "iterdir",
            "FileResponse",
            "StaticFiles",
        ),
        *("NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory", "mkstemp", "mkdtemp", "copyfile", "copytree"),
        *("symlink_to", "hardlink_to"),
    }
)
OS_ONLY = frozenset({"remove", "rename", "replace", "link", "symlink"})
"""Words that the store has too."""
WHENCE = {
    "lib/ask.py": "os.devnull",
    "lib/backup.py": "its operator's argument, and the data folder",
    "lib/bills/": "a file object that was uploaded",
    "lib/catalogue/": "our own table beside the code",
    "lib/dialects/": "our own files beside the code",
    "lib/embedded/": "our own files beside the code",
    "lib/generation/attaching.py": "a random name in the folder for what comes in",
    "lib/generation/temporary_files.py": "a random name in the folder for what comes in",
    "lib/generation/video_probe.py": "our own clip beside the code",
    "lib/intake/": "the work folder of one job, and our own code",
    "lib/keys.py": "a fixed name in the data folder",
    "lib/login/": "fixed and random names in the data folder",
    "lib/markdown/": "our own files beside the code",
    "lib/price_book/": "our own files beside the code",
    "lib/vendor_prices.py": "our own files beside the code",
    "lib/settings.py": "the operator's variables, and the secrets file",
    "lib/store/": "fixed names in the data folder, and the operator's database",
    "lib/transfer/": "members of an archive, read in place",
    "lib/ui/browser_parts.py": "our own files beside the code",
    "lib/ui/frame.py": "our own icon",
    "lib/ui/pages.py": "our own pages",
    "lib/ui/safety.py": "the folders and files of the settings, looked at only",
    "lib/ui/transfer_files.py": "a file without a name",
    "lib/web/attachments.py": "a random name in the folder for what comes in",
    "lib/web/headers.py": "Streamlit's own page",
}
"""Who may touch the file system at all, and what the path is made of."""


class Touch(NamedTuple):
    path: str
    line: int
    name: str


def touches(path: str, text: str) -> Iterator[Touch]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if (name in TOUCHES and not is_of_the_ledger(node)) or (name in OS_ONLY and is_of_os(node)):
                yield Touch(path, node.lineno, name)


def is_of_os(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "os"


def is_of_the_ledger(call: ast.Call) -> bool:
    """Ledgers and sealed keys are opened too."""
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).endswith(("ledger", "keys"))


def ours() -> Iterator[Touch]:
    for path in (ROOT / "app.py", *(ROOT / "lib").rglob("*.py"), *(ROOT / "pages").rglob("*.py")):
        yield from touches(path.relative_to(ROOT).as_posix(), path.read_text())


def is_known(path: str) -> bool:
    return any(path.startswith(known) if known.endswith("/") else path == known for known in WHENCE)


def test_only_known_places_touch_the_file_system(measured: Callable[[str], None]) -> None:
    found = list(ours())
    assert len(found) > 50
    assert [touch for touch in found if not is_known(touch.path)] == []
    measured(f"{len(found)} calls that take a path, all in the {len(WHENCE)} places whose paths are not made of texts")


@pytest.mark.parametrize(
    "text",
    [
        "open(name)",
        "Path(name).read_bytes()",
        "import os\nos.open(name, 0)",
        "FileResponse(name)",
        "shutil.rmtree(name)",
    ],
)
def test_a_new_place_would_be_seen(text: str) -> None:
    assert list(touches("lib/web/new.py", text))
    assert not is_known("lib/web/new.py")


# --- a real server --------------------------------------------------------------------------------------------------

DOORS = (
    *("/", "/file/", "/file/x/", "/file/x/0/", "/attachments/", "/attachments/new/", "/answer/", "/draft/", "/share/"),
    *("/media/", "/static/", "/app/static/", "/component/x/", "/_stcore/", "/_stcore/upload_file/", "/vendor/"),
    *("/_stcore/component/x/", "/login/", "/chats/", "/usage/../", "/healthz/", "/favicon.ico/", "/static/js/"),
)
UPS = (
    *("../", "..\\", "%2e%2e/", "%2E%2E%2F", "..%2f", "..%5c", "%252e%252e%252f", "....//", "..;/", "..%00/", ".%2e/"),
    *(
        "%c0%ae%c0%ae/",
        "%uff0e%uff0e/",
        "..%ef%bc%8f",
        "/",
        "//",
        "./../",
        "%2f",
        "%5c%5c",
        "~/",
        "file:///",
        "\\\\?\\",
    ),
)
ENDINGS = ("", "%00", "%00.png", "?", "/", "/0", "/thumb", "/text", ".", "%20", ";.js", "#", "::$DATA")


def targets(names: list[str], how_many: int) -> list[str]:
    """A seeded choice of all ways to spell a way to one of the names."""
    dice = random.Random(48)
    every = list(itertools.product(DOORS, UPS, (1, 2, 4, 8, 12), names, ENDINGS))
    return [door + up * times + name.lstrip("/") + end for door, up, times, name, end in dice.sample(every, how_many)]


def plain_targets(names: list[str]) -> list[str]:
    """What every scanner tries: each door with the whole path, as it is and encoded."""
    spelt = [form for name in names for form in (name, name.replace("/", "%2f"), name.replace("/", "%252f"))]
    queries = [f"/?{field}={name}" for field in ("file", "path", "name", "url", "src") for name in names]
    return [door + name for door in DOORS for name in spelt] + queries


def asked(port: int, target: str, method: bytes = b"GET", body: bytes = b"") -> bytes:
    """The whole answer to exactly this request line; what cannot be one is sent all the same."""
    top = b"%s %s HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 20) as line:
        line.sendall(top % (method, target.encode("utf-8", "surrogateescape"), len(body)) + body)
        parts = []
        while part := line.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


@pytest.fixture(scope="module")
def parlour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Started, Path]]:
    """A server, and the folder in which its data folder lies, with files in it that nobody may have."""
    folder = tmp_path_factory.mktemp("paths")
    (folder / "outside.txt").write_bytes(MARK)
    with started(folder, STREAMLIT) as running:
        running.wait_until_well()
        (folder / "data" / "planted.txt").write_bytes(MARK)
        (folder / "data" / "incoming" / "planted.png").write_bytes(MARK)
        yield running, folder


def names_in(folder: Path) -> list[str]:
    data = folder / "data"
    whole = [folder / "outside.txt", data / "planted.txt", data / "parlour.key"]
    near = [
        "data/parlour.db",
        "planted.png",
        "/etc/passwd",
        "/proc/self/environ",
        "app.py",
        "pyproject.toml",
        "outside.txt",
    ]
    return [*map(str, whole), *near]


def test_no_spelling_of_a_path_brings_a_file(
    parlour: tuple[Started, Path], count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    running, folder = parlour
    code, key = (ROOT / "app.py").read_bytes()[:200], (folder / "data" / "parlour.key").read_bytes()
    signs = (MARK, key, code, b"SQLite format 3\0", b"root:x:0:0:", b"[project]\nname")
    names = names_in(folder)
    tried = [*plain_targets(names[: count(3, 10)]), *targets(names, count(400, 9_000))]
    for target in tried:
        answer = asked(running.port, target)
        assert not [sign for sign in signs if sign in answer], target
        assert status_of(answer) < 500, target
    measured(f"{len(tried):,} paths asked of a real server: 0 brought a file of it, 0 answers of 500 or more")


def test_no_name_of_an_upload_becomes_a_file(parlour: tuple[Started, Path], measured: Callable[[str], None]) -> None:
    running, folder = parlour
    before = {path.relative_to(folder) for path in folder.rglob("*")}
    tried = list(itertools.product(names_in(folder), ("", "../", "..%2f", "%2e%2e/", "%00")))
    for name, up in tried:
        asked(running.port, f"/attachments/new?name={up}{name}", b"PUT", f"named {up}{name}".encode())
        asked(running.port, f"/attachments/{up}{name}?name=x", b"PUT", f"placed {up}{name}".encode())
    running.wait_until_well()
    after = {path.relative_to(folder) for path in folder.rglob("*")}
    assert after - before <= {Path("data/parlour.db-wal"), Path("data/parlour.db-shm")}
    assert (folder / "outside.txt").read_bytes() == MARK
    measured(f"{2 * len(tried)} uploads under such names and places: 0 files written beside the database")


def test_an_id_that_is_nobodys_is_not_found(parlour: tuple[Started, Path], measured: Callable[[str], None]) -> None:
    """Also those that look like the ids of our database, which are times and can be guessed."""
    running, _ = parlour
    ids = [new_public_id(), str(new_id()), "1", "0", "-1", "A" * 22, "thumb", "None", "%25", "*"]
    doors = ("/file/{}/0", "/file/{}/thumb", "/answer/{}/text", "/draft/{}", "/share/{}")
    for door, public_id in itertools.product(doors, ids):
        assert status_of(asked(running.port, door.format(public_id))) == 404, (door, public_id)
        assert status_of(asked(running.port, f"/attachments/{public_id}?name=x", b"PUT", b"x")) == 404
    measured(f"{len(doors) * len(ids)} reads and {len(ids)} writes with ids that are nobody's: all 404")


def status_of(answer: bytes) -> int:
    return int(answer[9:12] or b"0")
