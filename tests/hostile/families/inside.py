"""Walking its own process: frames, objects, the host's functions and its relay.

Whatever is found there changes only what the server says, and never the score by itself.
"""

from __future__ import annotations

from functools import partial

from tests.hostile.attack import Attack, Ending

_attack = partial(Attack, stopped_by_grader=True)
_BROKEN = Ending(finding="broke the protocol")

ATTACKS = (
    _attack(
        "look-for-the-graders-objects",
        "the rubric, the script, the ledger of the score",
        """
        trusted = ("harness", "grading", "content", "reports", "authoring", "cli")
        homes = {type(thing).__module__ for thing in gc.get_objects()} | set(sys.modules)
        homes |= {getattr(thing, "__module__", None) or "" for thing in gc.get_objects()
                  if isinstance(thing, type)}
        if not [home for home in homes for name in trusted
                if home.startswith(f"graders.engine.{name}")]:
            nothing_found()
        """,
    ),
    _attack(
        "look-for-the-graders-objects-by-frames",
        "what the grader holds in its variables",
        """
        frame, held = sys._getframe(), []
        while frame:
            held += [type(value).__module__ for value in frame.f_locals.values()]
            frame = frame.f_back
        trusted = ("harness", "grading", "content")
        if not [home for home in held for name in trusted
                if home.startswith(f"graders.engine.{name}")]:
            nothing_found()
        """,
        at="import",
    ),
    _attack(
        "look-for-secrets-in-its-memory",
        "the words that it will be asked to say, before it is asked",
        """
        texts = [thing for thing in gc.get_objects() if isinstance(thing, dict)]
        words = ("rubric", "requirement", "criterion", "canary", "mutant")
        known = [key for table in texts for key in list(table) if isinstance(key, str)]
        if not [key for key in known if key in words]:
            nothing_found()
        """,
        at="import",
    ),
    _attack(
        "use-what-is-left-of-the-fork-server",
        "the end of other servers",
        does="""
        frame = sys._getframe()
        while frame:
            for value in list(frame.f_locals.values()):
                if type(value).__name__ == "ForkServer":
                    value.kill_all()
            frame = frame.f_back
        """,
        at="import",
    ),
    _attack(
        "claim-better-isolation",
        "a report that says that it was isolated fully",
        does="""
        host = found("Host")
        hello = type(host).serve.__globals__["Hello"]
        host._connection.send(hello(layers=("full",)))
        """,
        ends=_BROKEN,
    ),
    _attack(
        "send-by-the-hosts-own-connection",
        "a score of its own on the wire",
        does="""
        from types import SimpleNamespace
        forged = '{"t": "result", "score": 100, "max_score": 100}'
        found("HostConnection").send(SimpleNamespace(model_dump_json=lambda: forged))
        """,
        ends=_BROKEN,
    ),
    _attack(
        "answer-200-to-everything",
        "answers that all look right",
        does="""
        connection = found("HostConnection")
        send = connection.send
        def forge(frame):
            if type(frame).__name__ == "ResponseStart":
                frame = frame.model_copy(update={"status": 200})
            send(frame)
        connection.send = forge
        """,
        at="import",
    ),
    _attack(
        "answer-the-model-calls-itself",
        "answers without asking the model, and what the model was to be asked",
        does="""
        relay = found("Relay")
        frames = type(found("Host")).serve.__globals__
        def forge(request):
            raise ConnectionError("the model is not asked")
        relay.begin = forge
        """,
        at="import",
        ends=Ending(finding="."),
    ),
    _attack(
        "say-each-word-twice",
        "the grader's count of what was said",
        does="""
        connection = found("HostConnection")
        send = connection.send
        def forge(frame):
            send(frame)
            if type(frame).__name__ == "ExchangeEnd":
                send(frame)
        connection.send = forge
        """,
        at="import",
    ),
    _attack(
        "claim-to-be-loaded-twice",
        "a second start",
        does="""
        host = found("Host")
        host._connection.send(type(host)._load.__globals__["Loaded"]())
        """,
        at="import",
        ends=_BROKEN,
    ),
    _attack(
        "claim-a-timer-for-ever",
        "a grader that waits for ever",
        does="""
        found("VirtualClock").next_timer = lambda: 0.001
        async def app(scope, receive, send):
            await asyncio.Event().wait()
        """,
        ends=Ending(finding="only waits for timers"),
    ),
    _attack(
        "never-answer-the-watchdog",
        "a grader that waits for ever",
        does="""
        async def silent(frame):
            await asyncio.Event().wait()
        found("Host")._pong = silent
        async def app(scope, receive, send):
            await asyncio.Event().wait()
        """,
        ends=Ending(finding="blocked"),
    ),
    _attack(
        "take-the-guard-off",
        "connections by Python's own functions",
        """
        sys.addaudithook(lambda *_: None)
        found("HostConnection").send = lambda frame: None
        socket.create_connection(("127.0.0.1", TCP_PORT))
        """,
        ends=Ending(finding="."),
    ),
    _attack(
        "move-its-own-clock",
        "a clock that the grader does not move",
        does="found('VirtualClock').grant(3_600.0)",
    ),
)
