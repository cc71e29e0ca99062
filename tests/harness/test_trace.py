"""The record of one check."""

from graders.engine.harness import Trace


def test_trace_that_forgets_counts_on() -> None:
    trace = Trace(lambda: 0.0)
    trace.add("client", "says", "one")
    trace.forget()
    assert trace.add("client", "says", "two") == 2
    assert [line.text for line in trace.lines()] == ["two"]
