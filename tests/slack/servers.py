"""A server that answers with whatever bytes a test gives it, and keeps what it was sent."""

import contextlib
import datetime
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from socket import create_server, socket

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass
class Raw:
    """`answer` is sent to everyone, as it is; None answers nobody, and keeps the connection open.

    With `pause`, in seconds, it comes one byte at a time.
    """

    answer: bytes | None
    port: int = 0
    pause: float = 0.0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def http(body: bytes, status: str = "200 OK", headers: str = "", length: str | None = None) -> bytes:
    """An answer; `length` lies about the body."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}"
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode("latin-1") + body


@contextlib.contextmanager
def raw(answer: bytes | None, tls: ssl.SSLContext | None = None, pause: float = 0.0) -> Iterator[Raw]:
    """Serves on a free loopback port, one connection after the other."""
    server = Raw(answer, pause=pause)
    done = threading.Event()
    with create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        runner = threading.Thread(target=_run, args=(listener, server, tls, done), daemon=True)
        runner.start()
        try:
            yield server
        finally:
            done.set()
            with contextlib.suppress(OSError), socket() as waker:
                waker.connect(("127.0.0.1", server.port))
            runner.join(5)


def _run(listener: socket, server: Raw, tls: ssl.SSLContext | None, done: threading.Event) -> None:
    while not done.is_set():
        connection, _ = listener.accept()
        if done.is_set():
            connection.close()
            return
        with contextlib.suppress(OSError), connection:
            wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
            with wrapped:
                server.requests.append(_read(wrapped))
                if server.answer is None:
                    done.wait(5)
                elif server.pause:
                    _drip(wrapped, server, done)
                else:
                    wrapped.sendall(server.answer)


def _drip(connection: socket, server: Raw, done: threading.Event) -> None:
    for byte in server.answer or b"":
        connection.sendall(bytes((byte,)))
        if done.wait(server.pause):
            return


def _read(connection: socket) -> bytes:
    """One request with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    file = folder / "server.pem"
    clear = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(clear + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
