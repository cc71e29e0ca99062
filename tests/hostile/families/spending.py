"""Spending more than there is: processes, threads, memory, disk, descriptors, output, the wire.

The limits are lowered, and each attack ends by itself not far above them, so that nothing takes
the machine down where a layer is off.
"""

from __future__ import annotations

from functools import partial

from tests.hostile.attack import Attack, Ending

_attack = partial(Attack, stopped_by_grader=True)
_FLOODED = Ending(finding="more than")
_OVER = Ending(finding=r"your server \w+ more than")

ATTACKS = (
    Attack(
        "fork-bomb",
        "all processes that there can be",
        """
        children = []
        try:
            while len(children) < 200:
                child = fork()
                if child == 0:
                    signal.pause()
                children.append(child)
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        """,
        limits={"processes": 8},
    ),
    _attack(
        "thread-bomb",
        "all threads that there can be",
        does="""
        threading.stack_size(65_536)
        for _ in range(100):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        app = wait_to_be_seen
        """,
        limits={"processes": 80},
        ends=_OVER,
    ),
    Attack(
        "memory-at-once",
        "all memory",
        "bytearray(4 << 30)",
    ),
    Attack(
        "shared-memory-at-once",
        "memory that is no data of its own",
        "mmap.mmap(-1, 8 << 30)",
    ),
    _attack(
        "memory-bit-by-bit",
        "all memory",
        does="hoard = bytearray(b'x') * (300 << 20); app = wait_to_be_seen",
        limits={"memory_mb": 256},
        ends=_OVER,
    ),
    _attack(
        "shared-memory-bit-by-bit",
        "memory that is no data of its own",
        does="""
        hoard = mmap.mmap(-1, 300 << 20)
        hoard[:] = bytes(300 << 20)
        app = wait_to_be_seen
        """,
        limits={"memory_mb": 256},
        ends=_OVER,
    ),
    Attack(
        "memory-without-a-name",
        "memory that its own limit does not count",
        """
        hidden = os.memfd_create("hidden")
        os.ftruncate(hidden, 32 << 20)
        """,
    ),
    Attack(
        "one-large-file",
        "all of the disk",
        """
        with open("large", "wb") as file:
            file.write(bytes(3 << 20))
        """,
        limits={"file_size_mb": 2},
    ),
    _attack(
        "many-large-files",
        "all of the disk",
        does="""
        for number in range(24):
            with open(f"large{number}", "wb") as file:
                file.write(bytes(1 << 20))
        app = wait_to_be_seen
        """,
        limits={"disk_mb": 16},
        ends=_OVER,
    ),
    _attack(
        "many-files",
        "all inodes of the disk",
        does="""
        for number in range(500):
            open(f"file{number}", "wb").close()
        app = wait_to_be_seen
        """,
        limits={"disk_files": 300},
        ends=_OVER,
    ),
    _attack(
        "deep-folders",
        "a grader that gets lost in them",
        does="""
        for _ in range(500):
            os.mkdir("deeper")
            os.chdir("deeper")
        app = wait_to_be_seen
        """,
        limits={"disk_files": 300},
        ends=_OVER,
    ),
    Attack(
        "file-with-holes",
        "all of the disk, later",
        """
        with open("holes", "wb") as file:
            file.truncate(1 << 30)
        """,
    ),
    Attack(
        "descriptors",
        "all open files",
        "files = [os.open('server.py', os.O_RDONLY) for _ in range(600)]",
    ),
    Attack(
        "lift-its-limits",
        "limits of its own",
        """
        import resource
        most = resource.RLIM_INFINITY
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        except ValueError as error:
            raise PermissionError(errno.EPERM, str(error)) from None
        """,
    ),
    _attack(
        "log-flood",
        "a grader without memory",
        does="while True: os.write(1, bytes(65_536))",
        ends=_FLOODED,
    ),
    _attack(
        "log-flood-at-import",
        "a grader without memory",
        does="while True: os.write(2, bytes(65_536))",
        at="import",
        ends=Ending(problem="start-floods"),
    ),
    _attack(
        "flood-of-reports",
        "a grader without memory",
        does="""
        while True:
            try:
                socket.getaddrinfo("x" * 50, 80)
            except OSError:
                pass
        """,
        ends=_FLOODED,
        limits={"messages": 100},
    ),
    _attack(
        "endless-body",
        "a grader without memory",
        does="""
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                body = bytes(100_000)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        """,
        ends=_FLOODED,
        limits={"sent_mb": 4},
    ),
    _attack(
        "million-chunks",
        "a grader that is busy for ever",
        does="""
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200,
                        "headers": [(b"content-type", b"text/event-stream")]})
            for _ in range(1_000_000):
                body = b"data: {}\\n\\n"
                await send({"type": "http.response.body", "body": body, "more_body": True})
        """,
        ends=_FLOODED,
        limits={"messages": 2_000},
    ),
    _attack(
        "body-in-single-bytes",
        "a grader that is busy for ever",
        does="""
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
        """,
        ends=_FLOODED,
        limits={"messages": 2_000},
    ),
    _attack(
        "line-without-end",
        "a grader without memory",
        does="""
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200,
                        "headers": [(b"content-type", b"text/event-stream")]})
            while True:
                body = b"data: " + b"x" * 60_000
                await send({"type": "http.response.body", "body": body, "more_body": True})
        """,
        ends=_FLOODED,
        limits={"sent_mb": 4},
    ),
    _attack(
        "headers-without-end",
        "a grader without memory",
        does="""
        async def app(scope, receive, send):
            headers = [(b"x", b"y" * 1_000)] * 5_000
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"{}"})
        """,
        ends=Ending(finding="."),
    ),
    _attack(
        "odd-headers",
        "a grader's library that stumbles",
        does="""
        async def app(scope, receive, send):
            headers = [(b"bad\\r\\nname: x", b"\\x00\\xff\\r\\n"), (b"", b""),
                       (b"set-cookie", b"\\xff=\\x00; expires=never; domain=."),
                       (b"content-length", b"minus one"), (b"content-type", b"\\xff")]
            await send({"type": "http.response.start", "status": 999, "headers": headers})
            await send({"type": "http.response.body", "body": b"\\xff\\xfe"})
        """,
        ends=Ending(finding="."),
    ),
    _attack(
        "calls-without-end",
        "a model that is busy for ever",
        does="""
        relay = found("Relay")
        import httpx
        while True:
            relay.begin(httpx.Request("POST", "https://x/v1/responses", content=b"{}"))
        """,
        ends=_FLOODED,
        limits={"messages": 500},
    ),
)
