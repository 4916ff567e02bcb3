"""Stored gateway keys: AES-256-GCM under a key file of mode 0600 in the data folder; keys for signing from the same.

The associated data binds a key to its owner, its gateway and the exact origin (scheme, host, port) it was entered
for, so a row copied to another gateway, or a gateway pointed at another host, cannot use it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lib.errors import SettingsError
from lib.secret import Secret

FILE_NAME = "parlour.key"


class KeyBox:
    """Seals and opens keys. The key file is made on first use; losing it makes stored keys unreadable, no more."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._root = _file_key(self._path)
        self._cipher = AESGCM(self._root)

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose, which tell nothing about the file's key or another purpose (HKDF, RFC 5869)."""
        return HKDF(SHA256(), 32, salt=None, info=f"parlour\0{purpose}".encode()).derive(self._root)

    def seal(self, key: Secret, *, owner: int, gateway: str, origin: str) -> tuple[bytes, bytes]:
        """(cipher text, nonce) of `key` for this owner, gateway (public id) and origin.

        A key file that was deleted meanwhile is written again: what is sealed now must be readable after a restart.
        Raises SettingsError when it is another one.
        """
        if _file_key(self._path, self._root) != self._root:
            raise SettingsError(FILE_NAME, "damaged_key_file")
        nonce = secrets.token_bytes(12)
        return self._cipher.encrypt(nonce, key.reveal().encode("ascii"), _bound_to(owner, gateway, origin)), nonce

    def open(self, sealed: bytes, nonce: bytes, *, owner: int, gateway: str, origin: str) -> Secret:
        """The key again. Raises SettingsError('key', 'unreadable') when any of the bound facts differs."""
        try:
            return Secret(self._cipher.decrypt(nonce, sealed, _bound_to(owner, gateway, origin)).decode("ascii"))
        except (InvalidTag, ValueError) as error:
            raise SettingsError("key", "unreadable") from error


def _bound_to(owner: int, gateway: str, origin: str) -> bytes:
    return f"parlour\0{owner}\0{gateway}\0{origin}".encode()


def _file_key(path: Path, known: bytes | None = None) -> bytes:
    """The 32 bytes of the key file; made (of `known`, or new) with mode 0600 and never replaced.

    Raises SettingsError when the file exists but is not a key (a new one would orphan every stored key), or when the
    folder cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path, known or secrets.token_bytes(32))
        key = path.read_bytes()
        path.chmod(0o600)
    except OSError as error:
        raise SettingsError(path.name, "unreadable") from error
    if len(key) != 32:
        raise SettingsError(path.name, "damaged_key_file")
    return key


def _make(path: Path, key: bytes) -> None:
    """A new key file, whole or not at all, also when two processes start at once: the first link wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        draft.replace(path)
