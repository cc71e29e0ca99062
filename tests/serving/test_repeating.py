"""The model that repeats, in both of the model's APIs, and how it answers in the same process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from graders.engine.core.places import REPOSITORY
from graders.engine.model import Chunk, Head, OutgoingCall, Refuse
from graders.engine.serving.repeating import RepeatingModel

URLS = {"responses": "https://x.example/v1/responses", "chat": "https://x/v1/chat/completions"}


async def said(model: RepeatingModel, body: dict[str, Any], url: str, number: int = 1) -> str:
    """Return the whole body of the answer."""
    call = OutgoingCall(number, "POST", url, (), json.dumps(body).encode())
    parts = [part async for part in model.answer(call)]
    assert parts[0] == Head(200, parts[0].headers if isinstance(parts[0], Head) else ())
    return b"".join(part.data for part in parts if isinstance(part, Chunk)).decode()


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@pytest.mark.parametrize("text", ["Say kiwi", "/tool", "/tools x", "Grüße 🥝"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("api", URLS)
async def test_message_is_repeated(api: str, text: str, *, stream: bool) -> None:
    body = {"model": "m", "input": [user(text)], "messages": [user(text)], "stream": stream}
    found = await said(RepeatingModel(), body, URLS[api])
    for word in text.split():
        assert word in found
    assert "scripted" in found


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("api", URLS)
async def test_message_without_text_is_answered_too(api: str, *, stream: bool) -> None:
    body = {"model": "m", "input": [user(" ")], "messages": [user(" ")], "stream": stream}
    assert await said(RepeatingModel(), body, URLS[api])


async def test_same_message_is_answered_as_often_as_it_is_said() -> None:
    model = RepeatingModel()
    for number in range(3):
        body = {"model": "m", "input": [user("again")] * (number + 1), "stream": True}
        assert "again" in await said(model, body, URLS["responses"], number)


async def test_tool_is_called_and_its_output_answered() -> None:
    model = RepeatingModel()
    asked = user('/tool save_preference {"key": "colour"}')
    body = {"model": "m", "input": [asked], "stream": False, "tools": [{"name": "save_preference"}]}
    answer = json.loads(await said(model, body, URLS["responses"]))
    call = next(item for item in answer["output"] if item["type"] == "function_call")
    assert (call["name"], call["arguments"]) == ("save_preference", '{"key": "colour"}')
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "ok"}
    body["input"] = [asked, call, output]
    assert "is done." in await said(model, body, URLS["responses"], 2)


async def test_arguments_that_are_no_json_are_left_out() -> None:
    body = {"model": "m", "input": [user("/tool t {no}")], "tools": [{"name": "t"}]}
    answer = json.loads(await said(RepeatingModel(), body, URLS["responses"]))
    assert answer["output"][0]["arguments"] == "{}"


async def test_what_is_not_the_models_is_refused() -> None:
    call = OutgoingCall(1, "GET", "https://example.org/", (), b"")
    assert [type(part) async for part in RepeatingModel().answer(call)] == [Refuse]


PROGRAM = """
import asyncio, http.server, threading
import httpx, openai
from agents import Agent, Runner, set_default_openai_client
from graders.engine.serving.interception import intercept
from graders.engine.serving.repeating import RepeatingModel

class Other(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"really sent")
    def log_message(self, *args): pass

server = http.server.HTTPServer(("127.0.0.1", 0), Other)
threading.Thread(target=server.serve_forever, daemon=True).start()
intercept(RepeatingModel().answer, pause=0)
url = f"http://127.0.0.1:{server.server_port}/"

async def main():
    client = openai.AsyncOpenAI(api_key="x", base_url="https://somewhere.example/v1")
    set_default_openai_client(client, use_for_tracing=False)
    result = await Runner.run(Agent(name="A", model="m"), "kiwi")
    print(result.final_output.splitlines()[0])
    blocking = openai.OpenAI(api_key="x").responses.create(model="m", input="plum")
    print(blocking.output_text.splitlines()[0])
    async with httpx.AsyncClient() as other:
        print((await other.get(url)).text)
    print(httpx.get(url).text)

asyncio.run(main())
"""


def test_model_is_answered_in_the_process_and_all_else_is_really_sent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "OPENAI_AGENTS_DISABLE_TRACING": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "You said: kiwi", "You said: plum", "really sent", "really sent"
    ]  # fmt: skip
