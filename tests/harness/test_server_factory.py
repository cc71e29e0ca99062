"""What the checks of one submission share: the isolation that the result tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.harness import StartFailed
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Launcher
from graders.engine.submissions.submission import find_submission


async def test_isolation_is_told_of_a_server_that_never_starts(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text("raise ValueError", encoding="utf-8")
    with open_factory(find_submission(tmp_path), launcher, limits={}, env={}) as factory:
        trace = factory.new_trace()
        with pytest.raises(StartFailed):
            await factory.start(factory.new_model(trace), trace)
        assert "RLIMIT_CPU" in factory.isolation.layers
