"""A client that costs little: one kept-alive socket, and no more of HTTP than the answers need."""

from __future__ import annotations

import json
import socket
from typing import Any


class WrongAnswer(Exception):
    """An answer with a wrong status or body: it never enters a figure."""


class Wire:
    """One connection to a server on this machine. Not for more than one thread."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {secret}\r\n"
        self._socket: socket.socket | None = None
        self._unread = b""

    def send(self, method: str, path: str, body: Any = None, *, expect: int) -> Any:
        """Return the JSON of the answer, None when it has no body. Raise `WrongAnswer` for another status."""
        status, raw = self.exchange(method, path, body)
        if status != expect:
            raise WrongAnswer(f"{method} {path}: {status} {raw[:200]!r}")
        return json.loads(raw) if raw else None

    def exchange(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        head = f"{method} /scim/v2{path} HTTP/1.1\r\n{self._head}Content-Length: {len(payload)}\r\n"
        head += "Content-Type: application/scim+json\r\n\r\n"
        try:
            return self._talk(head.encode() + payload)
        except ConnectionError:  # gunicorn closes connections that were idle
            self.close()
            return self._talk(head.encode() + payload)

    def close(self) -> None:
        """Close the connection."""
        if self._socket:
            self._socket.close()
        self._socket, self._unread = None, b""

    def _talk(self, message: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=120)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(message)
        head = self._until(b"\r\n\r\n").decode("latin-1").lower()
        status = int(head[9:12])
        if "transfer-encoding: chunked" in head:
            return status, self._chunks()
        if status in {204, 304}:
            return status, b""
        return status, self._exactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._until(b"\r\n"), 16):
            parts.append(self._exactly(size + 2)[:-2])
        self._until(b"\r\n")
        return b"".join(parts)

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._unread += self._receive()
        found, _, self._unread = self._unread.partition(end)
        return found

    def _exactly(self, size: int) -> bytes:
        parts, have = [self._unread], len(self._unread)
        while have < size:
            parts.append(self._receive())
            have += len(parts[-1])
        whole = b"".join(parts)
        self._unread = whole[size:]
        return whole[:size]

    def _receive(self) -> bytes:
        assert self._socket is not None
        received = self._socket.recv(1 << 18)
        if not received:
            raise ConnectionError("the server closed the connection")
        return received
