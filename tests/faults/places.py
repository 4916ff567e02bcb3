"""Addresses behind which no gateway can be reached: refused, unknown, silent, or with a certificate that is no good."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lib.gateway.transport import trusted

UNKNOWN_HOST = "parlour-test.invalid"
_DAY = datetime.timedelta(days=1)
_PEM = serialization.Encoding.PEM


class Signed(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def save(self, file: Path) -> Path:
        form, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file.write_bytes(self.key.private_bytes(_PEM, form, secret) + self.certificate.public_bytes(_PEM))
        return file


def authority() -> Signed:
    return _signed("Test authority", None, ends_in=_DAY, authority=True)


def certificate(by: Signed | None, host: str = "localhost", *, ends_in: datetime.timedelta = _DAY) -> Signed:
    """For one host name, signed by an authority or by itself."""
    return _signed(host, by, ends_in=ends_in)


def _signed(name: str, by: Signed | None, *, ends_in: datetime.timedelta, authority: bool = False) -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 9 * _DAY)
        .not_valid_after(now + ends_in)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        made = made.add_extension(issuer, critical=False)
    if not authority:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return Signed(made.sign(by.key if by else key, hashes.SHA256()), key)


class TlsPort:
    """Speaks TLS with one certificate; `requests` has what was said inside, `plain` what came without TLS."""

    def __init__(self, file: Path) -> None:
        self.requests: list[bytes] = []
        self.plain: list[bytes] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(file)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            sock.settimeout(10)
            first = sock.recv(1, socket.MSG_PEEK)
            if first != b"\x16":  # not the greeting of TLS
                self.plain.append(sock.recv(65536))
                return
            with self._context.wrap_socket(sock, server_side=True) as inside:
                self.requests.append(inside.recv(65536))
                inside.sendall(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n")


@contextlib.contextmanager
def blackhole() -> Iterator[int]:
    """A port whose queue is full: what comes is dropped, as by a firewall."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as opened:
        address = full.getsockname()
        for _ in range(3):
            caller = opened.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
        yield address[1]


@contextlib.contextmanager
def refused() -> Iterator[int]:
    """A port that is taken and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def tls_ports(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, TlsPort]]:
    """One port for each sort of certificate, `good` among them; the authority is trusted meanwhile."""
    ours = authority()
    bundle = folder / "authority.pem"
    bundle.write_bytes(ours.certificate.public_bytes(_PEM))
    made = {
        "good": certificate(ours),
        "expired": certificate(ours, ends_in=-_DAY),
        "self-signed": certificate(None),
        "wrong-host": certificate(ours, "gateway.example"),
    }
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    trusted.cache_clear()
    ports = {name: TlsPort(one.save(folder / f"{name}.pem")) for name, one in made.items()}
    yield ports
    for port in ports.values():
        port.close()
    trusted.cache_clear()


def forget_host(monkeypatch: pytest.MonkeyPatch, host: str = UNKNOWN_HOST) -> None:
    """Looking this host up fails at once, whatever this machine's resolver would do."""
    known = socket.getaddrinfo

    def look_up(asked: Any, *given: Any, **named: Any) -> Any:
        if asked in (host, host.encode()):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(asked, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
