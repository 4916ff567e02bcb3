"""Things that no browser sends, made by chance from a seed: frames, requests, bodies and ranges."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable
from typing import NamedTuple

from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.requests.raw import frame

MB = 1 << 20


class Target(NamedTuple):
    """What a malformed thing must know: names and places at the server."""

    host: str
    upload: str
    xsrf: str
    ranged: tuple[str, ...]


# --- websocket frames -------------------------------------------------------------------------------------------------


def frames(luck: random.Random) -> bytes:
    """One or more frames after a good handshake."""
    return luck.choice(_FRAMES)(luck)


def _garbage(luck: random.Random) -> bytes:
    return frame(luck.randbytes(luck.choice((0, 1, 7, 125, 126, 5_000, 66_000))))


def _raw_noise(luck: random.Random) -> bytes:
    return luck.randbytes(luck.randint(1, 2_000))


def _changed_message(luck: random.Random) -> bytes:
    data = bytearray(_odd_message(luck).SerializeToString() or b"\x0a\x00")
    for _ in range(luck.randint(1, 6)):
        data[luck.randrange(len(data))] = luck.randrange(256)
    return frame(bytes(data))


def _truncated_message(luck: random.Random) -> bytes:
    data = _odd_message(luck).SerializeToString()
    return frame(data[: luck.randrange(len(data) + 1)])


def _wrong_opcode(luck: random.Random) -> bytes:
    return frame(luck.randbytes(20), luck.choice((1, 3, 4, 5, 6, 7, 11, 15)))


def _reserved_bits(luck: random.Random) -> bytes:
    return frame(b"x", reserved=luck.randint(1, 7))


def _unmasked(luck: random.Random) -> bytes:
    return frame(luck.randbytes(30), masked=False)


def _says_more(luck: random.Random) -> bytes:
    return frame(b"abc", says=luck.choice((4, 200, 70_000, 1 << 40, (1 << 63) - 1)))


def _negative_length(_: random.Random) -> bytes:
    return struct.pack(">BBQ", 0x82, 0xFF, 1 << 63) + b"abcd"


def _long_control(luck: random.Random) -> bytes:
    return frame(luck.randbytes(126), luck.choice((8, 9, 10)))


def _control_in_pieces(_: random.Random) -> bytes:
    return frame(b"ab", 9, last=False) + frame(b"cd", 0)


def _pings(luck: random.Random) -> bytes:
    return b"".join(frame(luck.randbytes(luck.randint(0, 125)), 9) for _ in range(300))


def _pieces(luck: random.Random) -> bytes:
    middle = b"".join(frame(luck.randbytes(3), 0, last=False) for _ in range(200))
    return frame(b"a", last=False) + middle + frame(b"", 0)


def _piece_of_nothing(_: random.Random) -> bytes:
    return frame(b"x", 0)


def _pieces_begin_twice(_: random.Random) -> bytes:
    return frame(b"a", last=False) + frame(b"b", last=False)


def _bad_close(luck: random.Random) -> bytes:
    return frame(luck.choice((b"\x03", b"\x00\x00", b"\x03\xed", b"\x0b\xb8\xff\xfe", struct.pack(">H", 65535))), 8)


def _bad_words(_: random.Random) -> bytes:
    return frame(b"\xff\xfe\xc3\x28", 1)


def _huge(luck: random.Random) -> bytes:
    return frame(bytes(luck.choice((5 * MB, 26 * MB))))


def _odd(luck: random.Random) -> bytes:
    return frame(_odd_message(luck).SerializeToString())


_FRAMES: tuple[Callable[[random.Random], bytes], ...] = (
    *(_garbage, _raw_noise, _changed_message, _truncated_message, _wrong_opcode, _reserved_bits, _unmasked) * 4,
    *(_says_more, _negative_length, _long_control, _control_in_pieces, _pieces, _piece_of_nothing) * 4,
    *(_pieces_begin_twice, _bad_close, _bad_words, _odd) * 4,
    *(_pings, _huge),
)


def _odd_message(luck: random.Random) -> BackMsg:
    """A message that is well formed and says something that no page of ours says."""
    message, kind = BackMsg(), luck.randrange(9)
    if kind < 5:
        asked = message.rerun_script
        asked.query_string = luck.choice(("", "a" * 100_000, "chat=\x00", "%ff%fe", "q=" + "%25" * 500))
        asked.page_script_hash = luck.choice(("", "0" * 32, "../../app.py", "x" * 5_000))
        asked.page_name = luck.choice(("", "../settings", "\x00", "no such page"))
        asked.fragment_id = luck.choice(("", "nobody"))
        _odd_widgets(asked, luck)
    elif kind == 5:
        message.file_urls_request.request_id = "a" * luck.choice((0, 10_000))
        message.file_urls_request.file_names.extend(["../../etc/passwd", "", "a" * 5_000])
    elif kind == 6:
        message.debug_shutdown_runtime = message.debug_disconnect_websocket = True
    elif kind == 7:
        message.set_run_on_save = luck.random() < 0.5
    else:
        message.stop_script = True
    return message


def _odd_widgets(asked: object, luck: random.Random) -> None:
    widgets = asked.widget_states.widgets  # type: ignore[attr-defined]  # protobuf's classes are made at run time
    for _ in range(luck.choice((0, 1, 50))):
        widget = widgets.add(id=luck.choice(("", "$$ID-0-message", "$$ID-" + "f" * 32 + "-stop", "\u202ex")))
        how = luck.randrange(6)
        if how == 0:
            widget.double_value = luck.choice((float("nan"), float("inf"), -1e308))
        elif how == 1:
            widget.chat_input_value.data = "never to be sent"
        elif how == 2:
            widget.json_value = luck.choice(("{", "[" * 5_000, "null", '{"a": NaN}'))
        elif how == 3:
            widget.arrow_value.data = luck.randbytes(100)
        elif how == 4:
            widget.int_value = luck.choice((-(2**53), 2**53))
        else:
            widget.trigger_value = True


# --- requests ---------------------------------------------------------------------------------------------------------

_METHODS = (
    "GET",
    "HEAD",
    "PUT",
    "POST",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PRI",
    "get",
    "G\x00T",
    "",
    "X" * 9_000,
)
_PATHS = (
    "/", "/healthz", "/draft/new", "/attachments/new?name=a", "/file/a/0", "/answer/a/text", "/share/a", "/usage",
    "/media/a.png", "/_stcore/health", "//", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%5c..%5cwin.ini",
    "*", "http://evil.example/", "/\x00", "/%00", "/\u202e", "/" + "a/" * 2_000, "/?" + "a=b&" * 3_000, "/%ff%fe%zz",
    "/draft/" + "a" * 9_000, "/file/" + "%2e" * 3_000 + "/0", "/_stcore/upload_file/a/b", "/static/../../app.py",
)  # fmt: skip


def requests(luck: random.Random, target: Target) -> bytes:
    """One request, or what should be one."""
    return luck.choice(_REQUESTS)(luck, target)


def _line(luck: random.Random, target: Target) -> bytes:
    version = luck.choice(("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP", "", "FTP/1.1"))
    return f"{luck.choice(_METHODS)} {luck.choice(_PATHS)} {version}\r\nHost: {target.host}\r\n\r\n".encode()


def _noise(luck: random.Random, _: Target) -> bytes:
    return luck.randbytes(luck.randint(1, 3_000)) + b"\r\n\r\n"


def _header(luck: random.Random, target: Target) -> bytes:
    odd = luck.choice(
        (b"X: " + b"a" * 70_000, b"No colon here", b": no name", b"X : space", b" folded", b"X: a\r\n b", b"X: \x00",
         b"X: \xff\xfe", b"X\x00Y: 1", b"\r\nX: 1", b"Cookie: " + b"a=b; " * 3_000, b"Expect: 100-continue",
         b"Accept-Encoding: " + b"gzip, " * 900, b"Cookie: _streamlit_user=" + b"%00" * 500,
         b"Connection: close, keep-alive, upgrade\r\nUpgrade: h2c", b"If-None-Match: " + b'W/"a", ' * 1_000)
    )  # fmt: skip
    path = luck.choice(_PATHS[:10]).encode()
    return b"GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n" % (path, target.host.encode(), odd)


def _many_headers(luck: random.Random, target: Target) -> bytes:
    many = b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(luck.choice((200, 2_000))))
    return b"GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (target.host.encode(), many)


def _length(luck: random.Random, target: Target) -> bytes:
    said = luck.choice(
        (b"-1", b"+5", b"5, 5", b"5\r\nContent-Length: 6", b"0x5", b"5 5", b"9" * 30, b"1e3", b"", b"99")
    )
    place = luck.choice((b"/draft/new", b"/attachments/new?name=a.txt", target.upload.encode()))
    return b"PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %s\r\n\r\nhello" % (place, target.host.encode(), said)


def _chunks(luck: random.Random, target: Target) -> bytes:
    body = luck.choice(
        (b"zz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"5\r\nhel", b"ffffffffffffffff\r\nx", b"5;" + b"a" * 20_000,
         b"5\nhello\n0\n\n", b"0\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"1\r\na\r\n" * 2_000)
    )  # fmt: skip
    coding = luck.choice((b"chunked", b"Chunked", b"gzip, chunked", b"chunked, chunked", b"identity", b"xchunked"))
    place = luck.choice((b"/draft/new", b"/attachments/new?name=a.txt"))
    head = b"PUT %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: %s\r\n\r\n" % (place, target.host.encode(), coding)
    return head + body


def _smuggled(luck: random.Random, target: Target) -> bytes:
    """A second request inside the body of the first, as two servers in a row might read it differently."""
    host = target.host.encode()
    inner = b"GET /usage HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    heads = (
        b"Content-Length: %d\r\nTransfer-Encoding: chunked" % len(inner),
        b"Transfer-Encoding: chunked\r\nContent-Length: 4",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding:\x0bchunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Content-Length: 0\r\nContent-Length: %d" % len(inner),
    )
    return b"POST / HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n0\r\n\r\n%s" % (host, luck.choice(heads), inner)


def _handshake(luck: random.Random, target: Target) -> bytes:
    lines = [f"Host: {target.host}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="]  # fmt: skip
    changed = luck.randrange(1, len(lines))
    lines[changed] = luck.choice(
        ("Sec-WebSocket-Version: 99", "Sec-WebSocket-Key: short", "Upgrade: h2c", "Sec-WebSocket-Protocol: " + "a, " * 900,
         "Sec-WebSocket-Protocol: streamlit, \xff, ../../x", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99")
    )  # fmt: skip
    path = luck.choice(("/_stcore/stream", "/", "/draft/new", "/healthz"))
    return ("\r\n".join([f"GET {path} HTTP/1.1", *lines]) + "\r\n\r\n").encode("latin-1")


_REQUESTS = (_line, _line, _noise, _header, _header, _many_headers, _length, _chunks, _smuggled, _handshake)


# --- bodies -----------------------------------------------------------------------------------------------------------


def bodies(luck: random.Random, target: Target) -> bytes:
    """An upload to Streamlit that is allowed, with a body that is not what it should be."""
    boundary = luck.choice((b"XX", b"", b"a" * 300, b'"q', b"X\x00X", b"--"))
    kind = luck.choice(
        (b"multipart/form-data; boundary=" + boundary, b"multipart/form-data", b"multipart/mixed; boundary=" + boundary,
         b"application/x-www-form-urlencoded", b"application/json", b"multipart/form-data; boundary*=utf-8''" + boundary)
    )  # fmt: skip
    body = luck.choice(_BODIES)(luck, boundary)
    head = f"PUT {target.upload} HTTP/1.1\r\nHost: {target.host}\r\nX-Xsrftoken: {target.xsrf}\r\n"
    head += f"Cookie: _streamlit_xsrf={target.xsrf}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Content-Type: " + kind + b"\r\nConnection: close\r\n\r\n" + body


def _part(boundary: bytes, disposition: bytes, content: bytes = b"x", more: bytes = b"") -> bytes:
    return b"--%s\r\nContent-Disposition: %s\r\n%s\r\n%s\r\n" % (boundary, disposition, more, content)


def _no_end(_: random.Random, boundary: bytes) -> bytes:
    return _part(boundary, b'form-data; name="f"; filename="a.txt"', b"a" * 10_000)


def _many_parts(luck: random.Random, boundary: bytes) -> bytes:
    one = _part(boundary, b'form-data; name="f"; filename="a.txt"')
    return one * luck.choice((2, 1_200)) + b"--" + boundary + b"--\r\n"


def _odd_name(luck: random.Random, boundary: bytes) -> bytes:
    name = luck.choice((b"../../etc/passwd", b"..\\..\\x", b"a\x00b", b"CON", b"\xff\xfe", b"a" * 20_000, b'a"; x="'))
    return _part(boundary, b'form-data; name="f"; filename="' + name + b'"') + b"--" + boundary + b"--\r\n"


def _many_part_headers(_: random.Random, boundary: bytes) -> bytes:
    return (
        _part(boundary, b'form-data; name="f"; filename="a"', more=b"X: y\r\n" * 3_000) + b"--" + boundary + b"--\r\n"
    )


def _only_dashes(_: random.Random, boundary: bytes) -> bytes:
    return b"\r\n--" * 5_000 + boundary


def _line_breaks(_: random.Random, boundary: bytes) -> bytes:
    return b"\r\n" * 20_000 + b"--" + boundary + b"--"


def _packed(_: random.Random, __: bytes) -> bytes:
    return gzip.compress(bytes(3 * MB))


def _random(luck: random.Random, _: bytes) -> bytes:
    return luck.randbytes(luck.randint(0, 5_000))


_BODIES = (_no_end, _many_parts, _odd_name, _many_part_headers, _only_dashes, _line_breaks, _packed, _random)


# --- ranges -----------------------------------------------------------------------------------------------------------


def ranges(luck: random.Random, target: Target) -> bytes:
    """A Range header as nobody needs it, for files of Streamlit's and of ours."""
    wanted = luck.choice(
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 8_000, 2)), "bytes=" + "0-," * 5_000, "bytes=0-0" + ",0-0" * 9_000,
         "bytes=-0", "bytes=--1", "bytes=5-1", "bytes=99999999999999999999-", "bytes=-99999999999999999999", "bytes=a-b",
         "bytes=0-18446744073709551615", "bytes", "", "lines=1-2", "bytes=" + "," * 20_000, "bytes=" + "-" * 20_000,
         "bytes=0-1,1-2,2-3", "bytes=" + " " * 20_000 + "0-1", "bytes=0-1\x00", "bytes=" + "1" * 30_000 + "-",
         "bytes=" + "".join(f"{luck.randrange(999)}-," for _ in range(3_000)))
    )  # fmt: skip
    head = f"GET {luck.choice(target.ranged)} HTTP/1.1\r\nHost: {target.host}\r\nRange: {wanted}\r\n"
    if luck.random() < 0.3:
        head += 'If-Range: "nothing"\r\n'
    return (head + "Connection: close\r\n\r\n").encode("latin-1")
