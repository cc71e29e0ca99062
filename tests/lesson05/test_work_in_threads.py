"""What a right server still does in a thread is waited for before its store is looked at."""

from __future__ import annotations

import shutil
from pathlib import Path

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Launcher

LESSON = Catalogue(REPOSITORY).lesson("lesson05")
SOLUTION = REPOSITORY / "reference_solutions/lesson05/solution"
TRANSCRIPTS = '''

import threading
import time
from pathlib import Path


class TranscribingStore(SqliteStore):
    """Keeps a transcript of each thread, and erases it in the background, slowly."""

    def _transcript(self, thread_id):
        return Path(self.path).with_name(f"{thread_id}.txt")

    async def add_thread_item(self, thread_id, item, context):
        await super().add_thread_item(thread_id, item, context)
        with self._transcript(thread_id).open("a") as file:
            file.write(item.model_dump_json())

    async def delete_thread(self, thread_id, context):
        await super().delete_thread(thread_id, context)
        threading.Thread(target=self._erase, args=(thread_id,)).start()

    def _erase(self, thread_id):
        begun = time.thread_time()
        while time.thread_time() - begun < 0.2:
            pass
        self._transcript(thread_id).unlink(missing_ok=True)


SqliteStore = TranscribingStore
'''


def test_what_is_erased_in_a_thread_is_gone(launcher: Launcher, tmp_path: Path) -> None:
    folder = tmp_path / "submission"
    shutil.copytree(SOLUTION, folder)
    with (folder / "store.py").open("a", encoding="utf-8") as file:
        file.write(TRANSCRIPTS)
    result = grade_folder(
        GradingRequest(LESSON, folder, seed=7, only=("deleted-items-gone",)),
        lambda lesson, submission: open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ),
    )
    [row] = [row for row in result.criteria if row.id == "deleted-items-gone"]
    assert (row.score, row.message) == (row.max_score, None)
