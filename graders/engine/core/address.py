"""Where a student's server is for its client, as `uvicorn server:app` has it by default.

Both sides of the wire need it: the client for its URL, the host for the ASGI scope. Nothing listens
there. Must not know a request.
"""

from __future__ import annotations

SERVER = ("127.0.0.1", 8000)
"""What the server's end of the connection is bound to."""
NAME = "localhost"
"""What a browser has in its address bar: a list of trusted hosts has this name first of all."""
BASE_URL = f"http://{NAME}:{SERVER[1]}"
CLIENT_HOST = "127.0.0.1"
EPHEMERAL_PORTS = range(49_152, 65_536)
"""The ports of clients. Each request has another one: two at once never share a connection."""
