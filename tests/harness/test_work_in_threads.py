"""What a server still does in a thread of its own is waited for, in each lesson that waits.

The server's event loop knows nothing of these threads. Without the waiting, a right server loses
here what it should have, and a broken one keeps what it should lose.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Status
from graders.engine.course_servers.mutants import mutants_of
from graders.engine.grading.folder import grade_folder, servers_of
from graders.engine.grading.request import GradingRequest
from graders.engine.sandbox.process import Launcher

THREADS = '''"""Work in threads that the event loop knows nothing of."""

import asyncio
import threading
import time


def later(work, seconds=0.2):
    """Compute for a while in a thread, then do ``work`` there."""

    def run():
        begun = time.thread_time()
        while time.thread_time() - begun < seconds:
            pass
        work()

    threading.Thread(target=run).start()


async def before():
    """Compute for a while in a thread, and go on when it is done."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    later(lambda: loop.call_soon_threadsafe(done.set))
    await done.wait()
'''


@dataclass(frozen=True)
class Server:
    """A solution, or a mutant, that works in threads as well, and the criteria to look at.

    ``edits`` says by file what stands there in place of what, ``more`` what follows in each.
    """

    lesson: str
    base: str
    criteria: tuple[str, ...]
    edits: Mapping[str, Mapping[str, str]] = field(hash=False)
    more: str = ""


RIGHT = [
    # Erases a transcript of the thread after the thread itself.
    Server(
        "lesson05",
        "solution",
        ("deleted-items-gone",),
        {
            "store.py": {
                "class SqliteStore(": "class _SqliteStore(",
                "\nimport sqlite3\n": "\nimport sqlite3\nimport threads\n",
            }
        },
        '''

class SqliteStore(_SqliteStore):
    """Keeps a transcript of each thread, and erases it in the background, slowly."""

    def _transcript(self, thread_id):
        return Path(self.path).with_name(f"{thread_id}.txt")

    async def add_thread_item(self, thread_id, item, context):
        await super().add_thread_item(thread_id, item, context)
        with self._transcript(thread_id).open("a") as file:
            file.write(item.model_dump_json())

    async def delete_thread(self, thread_id, context):
        await super().delete_thread(thread_id, context)
        threads.later(lambda: self._transcript(thread_id).unlink(missing_ok=True))
''',
    ),
    # Lets the model write notes after later answers: that is not what another user asks for then.
    Server(
        "lesson06",
        "solution",
        ("message-refused", "update-refused", "delete-refused", "retry-refused", "foreign-items"),
        {
            "server.py": {
                "\nimport os\n": "\nimport os\nimport openai\nimport threads\n",
                "\nHISTORY_ITEMS = 20\n": "\nHISTORY_ITEMS = 20\nknown = set()\n",
                "            yield event\n": """            yield event
        if context.user_id in known:
            client, words = openai.OpenAI(), str(agent_input)
            order = {"model": "gpt-5-nano", "instructions": "Write notes on this.", "stream": True}
            for seconds in (0.03, 0.06):
                threads.later(
                    lambda: list(client.responses.create(input=words, **order)), seconds
                )
        known.add(context.user_id)
""",
            }
        },
    ),
]
WRONG = [
    # Prepares each new thread before it becomes the newest one.
    Server(
        "lesson04",
        "preference-in-the-newest-thread",
        ("preference-stays-in-thread",),
        {
            "server.py": {
                "\nimport os\n": "\nimport os\nimport threads\n",
                "        self.thread = thread\n": "",
                "        items = list(reversed(page.data))\n": """
        items = list(reversed(page.data))
        if len(items) == 1:
            await threads.before()
        self.thread = thread
""",
            }
        },
    ),
    # Looks one user up, and lets the model write a draft before it reads the page.
    Server(
        "lesson07",
        "page-in-module",
        ("requests-apart",),
        {
            "server.py": {
                "\nimport os\n": "\nimport os\nimport openai\nimport threads\n",
                "        if context.page:\n": """
        draft = await openai.AsyncOpenAI().responses.create(
            model="gpt-5-nano", instructions="Draft.", input=agent_input, stream=True
        )
        async for _ in draft:
            pass
        if context.page:
""",
                "    LAST_PAGE.clear()\n": """
    if user == "frank":
        await threads.before()
    LAST_PAGE.clear()
""",
            }
        },
    ),
    # Looks longer at one page than at others.
    Server(
        "rag",
        "page-in-a-variable",
        ("page-of-message",),
        {
            "server.py": {
                "\nimport json\n": "\nimport json\nimport threads\n",
                '    newest["page"] = page_in(body)\n': """
    if page_in(body) == Page("knots", "hitch"):
        await threads.before()
    newest["page"] = page_in(body)
""",
            }
        },
    ),
]


def _base(lesson: Lesson, name: str) -> AbstractContextManager[Path]:
    for mutant in mutants_of(lesson):
        if mutant.name == name:
            return mutant.built()
    return nullcontext(lesson.solutions_dir / name)


def _statuses(server: Server, launcher: Launcher, folder: Path) -> set[Status]:
    lesson = Catalogue(REPOSITORY).lesson(server.lesson)
    with _base(lesson, server.base) as base:
        copytree(base, folder, ignore=ignore_patterns("__pycache__"))
    (folder / "threads.py").write_text(THREADS, encoding="utf-8")
    for file, pairs in server.edits.items():
        text = (folder / file).read_text(encoding="utf-8")
        for old, new in pairs.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / file).write_text(text + server.more, encoding="utf-8")
    result = grade_folder(
        GradingRequest(lesson, folder, seed=7, only=server.criteria), servers_of(launcher)
    )
    return {row.status for row in result.criteria if row.id in server.criteria}


@pytest.mark.parametrize("server", RIGHT, ids=lambda server: server.lesson)
def test_right_server_loses_nothing_by_it(
    launcher: Launcher, tmp_path: Path, server: Server
) -> None:
    assert _statuses(server, launcher, tmp_path / "submission") == {Status.PASSED}


@pytest.mark.parametrize("server", WRONG, ids=lambda server: server.lesson)
def test_broken_server_hides_nothing_by_it(
    launcher: Launcher, tmp_path: Path, server: Server
) -> None:
    assert _statuses(server, launcher, tmp_path / "submission") == {Status.FAILED}
