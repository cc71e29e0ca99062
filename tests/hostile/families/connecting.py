"""Connections: TCP, UDP, netlink, path and abstract sockets, rings; to the loopback only."""

from __future__ import annotations

from tests.hostile.attack import Attack

ATTACKS = (
    Attack("connect-tcp", "a service of this machine", "loopback(libc.connect, TCP_PORT)"),
    Attack("listen-tcp", "others to come to it", "loopback(libc.bind, 0)"),
    Attack(
        "connect-tcp-by-sending",
        "a connection that nobody asks for",
        """
        address = struct.pack("=H", 2) + struct.pack("!H4s8x", TCP_PORT, b"\\x7f\\0\\0\\1")
        end = socket.socket()
        call("sendto", end.fileno(), b"x", 1, 0x20000000, address, len(address))
        """,
    ),
    Attack(
        "send-udp",
        "a datagram out",
        """
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        loopback_address = struct.pack("=H", 2) + struct.pack("!H4s8x", UDP_PORT, b"\\x7f\\0\\0\\1")
        call("sendto", end.fileno(), b"x", 1, 0, loopback_address, len(loopback_address))
        """,
    ),
    Attack(
        "make-a-raw-socket", "all packets", "socket.socket(socket.AF_PACKET, 3)", needs_root=True
    ),
    Attack("make-a-netlink-socket", "the network's set-up", "socket.socket(socket.AF_NETLINK, 3)"),
    Attack(
        "connect-a-path-socket",
        "a service of this machine",
        "socket.socket(socket.AF_UNIX).connect(UNIX_PATH)",
    ),
    Attack(
        "listen-on-a-path-socket",
        "a meeting point with later servers",
        "socket.socket(socket.AF_UNIX).bind('meeting')",
    ),
    Attack(
        "connect-an-abstract-socket",
        "a service of this machine",
        "socket.socket(socket.AF_UNIX).connect(ABSTRACT)",
    ),
    Attack(
        "turn-a-pair-of-datagram-sockets",
        "a service of this machine",
        "socket.socketpair(type=socket.SOCK_DGRAM)[0].connect(UNIX_DATAGRAM_PATH)",
    ),
    Attack("make-a-vsock", "the machine below", "socket.socket(socket.AF_VSOCK)"),
    Attack("ask-for-a-ring", "calls that nobody checks", "call('io_uring_setup', 1, bytes(120))"),
    Attack(
        "call-a-service-by-http",
        "a page of the internet, by an honest library",
        """
        import urllib.request
        urllib.request.urlopen(f"http://127.0.0.1:{TCP_PORT}/")
        """,
        stopped_by_grader=True,
    ),
    Attack(
        "resolve-a-name",
        "words sent out as the name of a host",
        "socket.getaddrinfo('secret.example.com', 80)",
        stopped_by_grader=True,
    ),
)
