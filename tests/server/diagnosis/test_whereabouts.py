"""The line that a server is in which answers no more: told by its own process, shown safely."""

from __future__ import annotations

import pytest

from graders.engine.core.limits import WireLimits
from graders.engine.harness import RanAway
from graders.engine.server.trouble import Blocked
from tests.students import Bench

BLOCKS = """
    import threading
    {before}

    def wait_for_ever():
        threading.Lock().acquire()
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()  # for ever

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        wait_for_ever()
"""


async def _blocked(bench: Bench, before: str) -> Blocked:
    student = await bench.serve(BLOCKS.format(before=before))
    with pytest.raises(Blocked) as blocked:
        await student.http.get("/")
    return blocked.value


async def test_innermost_line_of_the_submissions_own_is_told(bench: Bench) -> None:
    place = (await _blocked(bench, "")).place
    assert place is not None
    assert (place.file, place.line, place.function) == ("server.py", 9, "wait_for_ever")
    assert place.code == "lock.acquire()  # for ever"


async def test_file_in_a_package_is_named_as_it_was_handed_in(bench: Bench) -> None:
    package = "def spin():\n    while True:\n        pass\n"
    student = await bench.serve(
        """
        from inner.work import spin

        async def app(scope, receive, send):
            assert scope["type"] == "http"
            spin()
        """,
        files={"inner/__init__.py": "", "inner/work.py": package},
        wire=WireLimits(answer_cpu_seconds=1),
    )
    with pytest.raises(RanAway) as ran:
        await student.http.get("/")
    assert ran.value.place is not None
    assert ran.value.place.file == "inner/work.py"
    assert "(inner/work.py, line " in ran.value.seen


AWAITS = """
    import asyncio, threading

    async def turns():
        while True:
            await asyncio.sleep(0)  # a turn
            if False:
                yield

    class Turn:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()  # a turn

    async def in_generator():
        async for turn in turns():
            pass

    async def in_awaitable():
        while True:
            await Turn()

    async def beside_a_block():
        spinning = asyncio.create_task(in_awaitable())
        lock = threading.Lock()
        lock.acquire()
        asyncio.get_running_loop().call_soon(lock.acquire)
        await spinning

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await globals()[scope["path"].strip("/")]()
"""


@pytest.mark.parametrize(
    ("path", "function"), [("in_generator", "turns"), ("in_awaitable", "__await__")]
)
async def test_loop_that_only_awaits_is_told_by_what_its_task_awaits(
    bench: Bench, path: str, function: str
) -> None:
    student = await bench.serve(AWAITS, wire=WireLimits(answer_cpu_seconds=1))
    with pytest.raises(RanAway) as ran:
        await student.http.get(f"/{path}")
    place = ran.value.place
    assert place is not None
    assert (place.function, place.code.endswith("# a turn")) == (function, True)
    assert not student.printed


async def test_task_that_waits_for_its_turn_is_not_taken_for_what_blocks(bench: Bench) -> None:
    student = await bench.serve(AWAITS)
    with pytest.raises(Blocked) as blocked:
        await student.http.get("/beside_a_block")
    assert blocked.value.place is None


@pytest.mark.parametrize(
    "before",
    [
        "import signal; signal.signal(signal.SIGURG, signal.SIG_IGN)",
        "import os; os.close(2)",
        "import os, faulthandler, signal; faulthandler.unregister(signal.SIGURG)",
    ],
)
async def test_finding_is_the_same_where_no_line_is_told(bench: Bench, before: str) -> None:
    blocked = await _blocked(bench, before)
    assert blocked.place is None
    assert blocked.seen.endswith("a call in it waits and lets nothing else run")


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "none.py", "sub", "n" * 300 + ".py", "x\\\\0.py"]
)
async def test_line_that_is_made_up_shows_no_other_file(bench: Bench, name: str) -> None:
    forge = f"""
    import os, pathlib, signal, sys
    pathlib.Path("sub").mkdir()
    signal.signal(signal.SIGURG, signal.SIG_IGN)
    def forged():
        time = threading.Event()
        while not time.wait(0.05):
            os.write(2, b'Stack (most recent call first):\\n  File "'
                     + os.getcwd().encode() + b'/{name}", line 1 in root\\n  ...\\n')
    threading.Thread(target=forged, daemon=True).start()
    """
    student = await bench.serve(
        BLOCKS.format(before=forge).replace("threading.Lock().acquire()", "while True: pass"),
        wire=WireLimits(answer_cpu_seconds=1),
    )
    with pytest.raises(RanAway) as ran:
        await student.http.get("/")
    place = ran.value.place
    assert place is not None
    assert (place.function, place.code) == ("root", "")
