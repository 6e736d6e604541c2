"""The least that one answer can cost: a blocking socket, and a request that was written before."""

from __future__ import annotations

import json
import socket

from by_hand import body
from contract import Target

_PATH = "/v1/chat/completions"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class RawClient:
    """One kept-alive connection."""

    def __init__(self, target: Target) -> None:
        """Connects."""
        payload = json.dumps(body("bench", stream=False)).encode()
        head = (
            f"POST {_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {target.key}\r\ncontent-length: {len(payload)}\r\n\r\n"
        )
        self._request = head.encode() + payload
        self._socket = socket.create_connection(("127.0.0.1", target.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def whole(self) -> bytes:
        """One answer's body."""
        self._socket.sendall(self._request)
        received = b""
        while _HEAD_END not in received:
            received += self._more()
        head, _, answer = received.partition(_HEAD_END)
        length = int(head.partition(_LENGTH)[2].split(b"\r\n", 1)[0])
        while len(answer) < length:
            answer += self._more()
        return answer

    def _more(self) -> bytes:
        more = self._socket.recv(65536)
        if not more:
            raise ConnectionError("the upstream closed the connection")
        return more
