"""Real servers and harmless targets for the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.hostile.targets import Bystanders, bystanders
from tests.hostile.web_attacks import SECRET
from tests.students import bench

__all__ = ["bench", "beside"]


@pytest.fixture(scope="session")
def beside() -> Iterator[Bystanders]:
    """Yield the processes and sockets that all attacks of the session aim at."""
    with bystanders() as made:
        yield made


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Yield a port of this machine where somebody answers."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()
