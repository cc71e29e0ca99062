"""Every way in which an app can be had or not, told by the stage that it came to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from graders.engine.host.loading import LoadError, load_app, routes_of

APP = "async def app(scope, receive, send): pass\n"

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a submission; yield its folder. What is imported from it is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = dict(sys.modules)

    def submission(**files: str) -> str:
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return str(tmp_path)

    yield submission
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    sys.modules.update(before)


def failure(spec: str, root: str, *shadows: str) -> LoadError:
    with pytest.raises(LoadError) as failed:
        load_app(spec, root, shadows)
    return failed.value


@pytest.mark.parametrize(
    ("spec", "files"),
    [
        ("server:app", {"server": APP}),
        ("server", {"server": APP}),
        ("backend.main:app", {"backend__in__main": APP}),
        ("server:chat.app", {"server": f"class chat:\n    {APP}    app = staticmethod(app)\n"}),
        ("server:app", {"server": "from fastapi import FastAPI\napp = FastAPI()"}),
        (
            "server:app",
            {"server": "class A:\n    async def __call__(self, s, r, t): pass\napp = A()"},
        ),
        ("server:app", {"server": "class app:\n    def __init__(self, s, r, t): pass"}),
        ("server:app", {"server": "async def app(scope, *channels): pass"}),
        ("server:app", {"server": "async def app(scope, receive, send, more=None): pass"}),
        ("server:app", {"server": "async def app(scope, receive=None, send=None): pass"}),
        ("server:app", {"server": "import functools\n" + APP + "app = functools.partial(app)"}),
    ],
)
def test_asgi_apps(write: Write, spec: str, files: dict[str, str]) -> None:
    assert callable(load_app(spec, write(**files), ()))


def test_root_is_the_first_place_to_import_from(write: Write) -> None:
    root = write(server="import own\n" + APP, own="")
    load_app("server:app", root, ())
    assert sys.path[0] == root


@pytest.mark.parametrize("spec", ["server:app", "backend.main:app"])
def test_module_that_is_not_there(write: Write, spec: str) -> None:
    error = failure(spec, write(other=APP))
    assert (error.stage, error.error) == ("find", "ModuleNotFoundError")


def test_package_without_the_module(write: Write) -> None:
    assert failure("backend.main:app", write(backend__in__other=APP)).stage == "find"


@pytest.mark.parametrize("name", ["no_such_package", "server.more", "serve"])
def test_import_of_something_else_that_is_not_there(write: Write, name: str) -> None:
    error = failure("server:app", write(server=f"import {name}\n" + APP))
    assert (error.stage, error.error) == ("import", "ModuleNotFoundError")


@pytest.mark.parametrize("files", [{"server": "x = ("}, {"server": "import own", "own": "x = ("}])
def test_syntax_error(write: Write, files: dict[str, str]) -> None:
    error = failure("server:app", write(**files))
    assert (error.stage, error.error) == ("syntax", "SyntaxError")
    assert 'own.py", line 1' in error.detail or 'server.py", line 1' in error.detail


@pytest.mark.parametrize(
    "code",
    [
        "\0" + APP,
        # What Python says of the same file up to 3.11.3.
        "raise ValueError('source code string cannot contain null bytes')",
    ],
)
def test_null_bytes_are_an_error_of_syntax(write: Write, code: str) -> None:
    assert failure("server:app", write(server=code)).stage == "syntax"


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("raise SystemExit('bye')", "SystemExit", "bye"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("import asyncio; raise asyncio.CancelledError", "CancelledError", ""),
        ("raise ValueError('\\ud83d')", "ValueError", "\\ud83d"),
    ],
)
def test_import_that_raises(write: Write, code: str, name: str, message: str) -> None:
    error = failure("server:app", write(server=code))
    assert (error.stage, error.error, error.message) == ("import", name, message)
    assert error.detail.startswith('  File "server.py", line 1, in <module>\n')
    assert "importlib" not in error.detail


@pytest.mark.parametrize("spec", ["server:app", "server:chat.app"])
def test_attribute_that_is_not_there(write: Write, spec: str) -> None:
    error = failure(spec, write(server="class chat: pass\napplication = 1"))
    assert error.stage == "attribute"
    assert error.message == f"server has no {spec.partition(':')[2]!r}"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("app = None", "server:app is a NoneType"),
        ("app = 'server'", "server:app is a str"),
        ("app = (lambda: None)()", "server:app is a NoneType"),
        ("def app(): return None", "cannot be called with scope, receive and send"),
        ("def app(environ, start_response): return []", "cannot be called with"),
        ("class App:\n    def __call__(self, environ, start): pass\napp = App()", "cannot be"),
        ("class app:\n    def __init__(self): pass", "cannot be called with"),
        ("from fastapi import FastAPI as app", "cannot be called with"),
        ("async def app(scope, receive, send, more): pass", "cannot be called with"),
        ("async def app(*, scope, receive, send): pass", "cannot be called with"),
    ],
)
def test_no_asgi_app(write: Write, code: str, said: str) -> None:
    error = failure("server:app", write(server=code))
    assert error.stage == "asgi"
    assert said in error.message


def test_shadow_is_forgotten_and_found_anew(write: Write) -> None:
    import dotenv

    root = write(server="import dotenv\nassert dotenv.OWN\n" + APP, dotenv__in____init__="OWN = 1")
    load_app("server:app", root, ("dotenv",))
    assert sys.modules["dotenv"] is not dotenv


def test_module_of_python_is_not_forgotten(write: Write) -> None:
    root = write(server="import logging\nassert logging.getLogger\n" + APP, logging="")
    load_app("server:app", root, ("logging",))
    assert hasattr(sys.modules["logging"], "getLogger")


def test_app_whose_signature_cannot_be_told(write: Write) -> None:
    code = """
        class App:
            __signature__ = 5
            async def __call__(self, scope, receive, send): pass
        app = App()
    """
    assert callable(load_app("server:app", write(server=code), ()))


class _Route:
    def __init__(self, path: object, methods: object, *, shown: bool = True) -> None:
        self.path = path
        self.methods = methods
        self.include_in_schema = shown


class _Routed:
    routes = (
        _Route("/chat", {"POST", "HEAD"}),
        _Route("/ws", None),
        _Route("/docs", {"GET"}, shown=False),
    )


class _Odd:
    @property
    def routes(self) -> object:
        raise RuntimeError("no")


def test_routes_are_those_that_an_application_says_it_has() -> None:
    assert routes_of(_Routed()) == ("HEAD /chat", "POST /chat", "* /ws")
    assert routes_of(_Odd()) == ()
    assert routes_of(object()) == ()
