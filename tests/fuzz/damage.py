"""What can happen to the bytes of an answer on their way, and into which reads they may fall."""

from __future__ import annotations

import random
from collections.abc import Callable

SPECIAL = b'\r\n\x00 :{}[]",\\<\xef\xbb\xbf\xed\xa0\x80\xff\xc3data'


def flip(dice: random.Random, body: bytes, other: bytes) -> bytes:
    at = dice.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << dice.randrange(8))]) + body[at + 1 :]


def replace(dice: random.Random, body: bytes, other: bytes) -> bytes:
    at = dice.randrange(len(body))
    return body[:at] + bytes([dice.choice(SPECIAL)]) + body[at + 1 :]


def delete(dice: random.Random, body: bytes, other: bytes) -> bytes:
    at = dice.randrange(len(body))
    return body[:at] + body[at + dice.choice([1, 1, 2, 5, 40]) :]


def insert(dice: random.Random, body: bytes, other: bytes) -> bytes:
    at = dice.randrange(len(body) + 1)
    new = dice.choice(
        [dice.randbytes(dice.randrange(1, 9)), bytes([dice.choice(SPECIAL)]), b"\n\n", b"\r", b"data: [DONE]"]
    )
    return body[:at] + new + body[at:]


def duplicate(dice: random.Random, body: bytes, other: bytes) -> bytes:
    start, end = sorted((dice.randrange(len(body) + 1), dice.randrange(len(body) + 1)))
    return body[:end] + body[start:end] + body[end:]


def truncate(dice: random.Random, body: bytes, other: bytes) -> bytes:
    return body[: dice.randrange(len(body))]


def swap(dice: random.Random, body: bytes, other: bytes) -> bytes:
    """Two neighbouring pieces change places."""
    a, b, c = sorted(dice.randrange(len(body) + 1) for _ in range(3))
    return body[:a] + body[b:c] + body[a:b] + body[c:]


def cut_a_letter(dice: random.Random, body: bytes, other: bytes) -> bytes:
    """One byte of a letter that has several is lost; a flip when there is none."""
    places = [at for at, byte in enumerate(body) if byte >= 0x80]
    if not places:
        return flip(dice, body, other)
    at = dice.choice(places)
    return body[:at] + body[at + 1 :]


def splice(dice: random.Random, body: bytes, other: bytes) -> bytes:
    """A beginning of this answer, then an end of another one."""
    return body[: dice.randrange(len(body) + 1)] + other[dice.randrange(len(other) + 1) :]


Damage = Callable[[random.Random, bytes, bytes], bytes]
DAMAGES: tuple[Damage, ...] = (flip, replace, delete, insert, duplicate, truncate, swap, cut_a_letter, splice)


def damaged(dice: random.Random, body: bytes, other: bytes) -> bytes:
    """One to three kinds of damage, one after the other."""
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        body = dice.choice(DAMAGES)(dice, body, other) if body else body
    return body


def first_difference(body: bytes, other: bytes) -> int:
    """How many bytes at the beginning are the same."""
    return next((at for at, (a, b) in enumerate(zip(body, other, strict=False)) if a != b), min(len(body), len(other)))


def in_reads(dice: random.Random, body: bytes) -> list[bytes]:
    """The bytes as they may come: in pieces of any size."""
    most, at, pieces = dice.choice([2, 8, 64, 1500]), 0, []
    while at < len(body):
        size = dice.randrange(1, most + 1)
        pieces.append(body[at : at + size])
        at += size
    return pieces
