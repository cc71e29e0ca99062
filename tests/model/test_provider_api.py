"""The provider's API against the locked openai client: answered in earnest, or left out by name."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import openai
import openai.resources
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import ChatModel
from openai.types.conversations import ConversationItem
from pydantic import TypeAdapter

from graders.engine.core.places import REPOSITORY
from graders.engine.model import Head, ModelEvent, ScriptedModel, say
from graders.engine.model.known_models import MODELS
from graders.engine.model.memory import COMPACTED_ITEMS, KEPT_ITEMS
from graders.engine.model.routes import ANSWERED, LEFT_OUT
from tests.model.transport import async_client, body_of, collect, outgoing

_VERBS = {
    "_get": "GET", "_get_api_list": "GET", "_post": "POST", "_put": "PUT", "_patch": "PATCH",
    "_delete": "DELETE",
}  # fmt: skip
_SCRIPTED = {"POST /responses", "POST /chat/completions"}
CONVERSATION_ITEM: TypeAdapter[Any] = TypeAdapter(ConversationItem)


def _calls_of_the_client() -> Iterator[str]:
    """Yield method and path of each call in the source of the client's resources."""
    for file in Path(openai.resources.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("self"), attr=verb)) if (
                    verb in _VERBS
                ):
                    given_method = [k.value for k in node.keywords if k.arg == "method"]
                    method = ast.literal_eval(given_method[0]) if given_method else _VERBS[verb]
                    path = _template(node.args[0]).partition("?")[0]
                    yield f"{method.upper()} {path}"


def _template(argument: ast.expr) -> str:
    """Return a path as it stands in the source, where it may be given to a function with ids."""
    return str(ast.literal_eval(argument.args[0] if isinstance(argument, ast.Call) else argument))


CLIENT_CALLS = sorted(set(_calls_of_the_client()))
NOT_ANSWERED = [name for name in CLIENT_CALLS if name not in ANSWERED]


def test_the_whole_client_is_looked_at() -> None:
    assert len(CLIENT_CALLS) > 300
    assert set(ANSWERED) <= set(CLIENT_CALLS)


async def _answer_to(name: str, body: bytes = b"{}") -> tuple[int, Any, list[ModelEvent]]:
    method, _, path = name.partition(" ")
    told: list[ModelEvent] = []
    model = ScriptedModel(on_event=told.append)
    call = outgoing(body, f"/v1{path}", method=method, headers=[("X-Stainless-Lang", "python")])
    parts = await collect(model, call)
    assert isinstance(parts[0], Head)
    return parts[0].status, json.loads(body_of(parts)), told


@pytest.mark.parametrize("name", NOT_ANSWERED)
async def test_a_call_that_is_left_out_is_named(name: str) -> None:
    method, _, path = name.partition(" ")
    status, answer, told = await _answer_to(name)
    message = answer["error"]["message"]
    assert status == 404
    assert f"does not answer `{method} /v1{path}`" in message
    assert any(f": {what} cannot be used here" in message for what in LEFT_OUT.values())
    assert [(event.kind, event.text) for event in told] == [("refused", message)]


@pytest.mark.parametrize("name", [name for name in ANSWERED if name not in _SCRIPTED])
async def test_a_call_that_is_answered_never_fails_for_what_it_is(name: str) -> None:
    status, answer, told = await _answer_to(name)
    unknown = "{" in name and "model" not in name
    assert status == (404 if unknown else 200)
    assert ("not found" in json.dumps(answer)) == unknown
    assert [event.kind for event in told] == ["side"]


def test_readme_names_what_is_answered_and_what_is_left_out() -> None:
    readme = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    for name in ANSWERED:
        assert f"`{name.partition(' ')[2]}`" in readme, name
    for what in LEFT_OUT.values():
        assert what in readme
    assert f"{KEPT_ITEMS} items" in readme
    assert f"{COMPACTED_ITEMS} items" in readme


bodies = st.binary(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("message"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "id", "items", "input", "metadata", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())


@given(st.sampled_from([name for name in ANSWERED if name not in _SCRIPTED]), bodies)
@settings(max_examples=150, deadline=None)
async def test_whatever_comes_there_is_an_answer(name: str, body: bytes) -> None:
    status, answer, _ = await _answer_to(name, body)
    assert status in {200, 400, 404}
    assert type(answer) is dict


@pytest.mark.parametrize(
    "items",
    [
        [{"type": [], "role": "user"}, {"type": "message", "role": "user", "content": 1}, "x", 1],
        [{"type": "item_reference", "id": []}, {"type": "compaction", "encrypted_content": {}}],
        [{"role": "user", "content": "x"}] * 5_000,
    ],
)
async def test_whatever_is_in_a_conversation_the_model_answers(items: list[Any]) -> None:
    model = ScriptedModel()
    for _ in range(2):
        model.on("Hi", say("Ho."))
        newest = [*items[1:], {"role": "user", "content": "Hi"}]
        body = json.dumps({"model": "m", "conversation": "conv_1", "input": newest}).encode()
        parts = await collect(model, outgoing(body))
        assert isinstance(parts[0], Head)
        assert parts[0].status == 200
        made = await collect(
            model, outgoing(json.dumps({"items": items[:20]}).encode(), "/v1/conversations")
        )
        assert isinstance(made[0], Head)
        assert made[0].status in {200, 400}


async def test_half_a_surrogate_is_refused_and_breaks_nothing() -> None:
    body = b'{"metadata": {"a": "\\ud800"}}'
    status, answer, _ = await _answer_to("POST /conversations", body)
    assert status == 400
    assert "surrogates" in answer["error"]["message"]


# --- conversations ---------------------------------------------------------------------------


def message(text: str, role: str = "user") -> Any:
    return {"type": "message", "role": role, "content": text}


def texts_of(items: list[Any]) -> list[str]:
    return [item.content[0].text for item in items]


async def test_a_conversation_lives_from_its_making_to_its_end() -> None:
    client = async_client(ScriptedModel())
    made = await client.conversations.create(metadata={"a": "1"}, items=[message("one")])
    assert (await client.conversations.retrieve(made.id)).metadata == {"a": "1"}
    changed = await client.conversations.update(made.id, metadata={"b": "2"})
    assert changed.metadata == {"b": "2"}
    added = await client.conversations.items.create(made.id, items=[message("two", "assistant")])
    for item in added.data:
        CONVERSATION_ITEM.validate_python(item.model_dump(exclude_unset=True))
    one, two = (await client.conversations.items.list(made.id, order="asc")).data
    assert texts_of([one, two]) == ["one", "two"]
    got = await client.conversations.items.retrieve(two.id or "", conversation_id=made.id)
    assert got == two
    await client.conversations.items.delete(one.id or "", conversation_id=made.id)
    assert texts_of((await client.conversations.items.list(made.id)).data) == ["two"]
    assert (await client.conversations.delete(made.id)).deleted
    with pytest.raises(openai.NotFoundError, match=f"Conversation with id '{made.id}' not found"):
        await client.conversations.items.list(made.id)


async def test_pages_of_a_conversation() -> None:
    client = async_client(ScriptedModel())
    made = await client.conversations.create(items=[message(str(n)) for n in range(20)])
    await client.conversations.items.create(made.id, items=[message(str(n)) for n in range(20, 25)])
    first = await client.conversations.items.list(made.id)
    assert texts_of(first.data) == [str(n) for n in range(24, 4, -1)]
    assert first.has_more
    everything = [item async for item in client.conversations.items.list(made.id, order="asc")]
    assert texts_of(everything) == [str(n) for n in range(25)]
    after = everything[2].id or ""
    page = await client.conversations.items.list(made.id, order="asc", limit=2, after=after)
    assert texts_of(page.data) == ["3", "4"]
    with pytest.raises(openai.BadRequestError, match="'limit'"):
        await client.conversations.items.list(made.id, limit=101)
    with pytest.raises(openai.BadRequestError, match="'order'"):
        await client.conversations.items.list(made.id, order="up")  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError, match="not found"):
        await client.conversations.items.list(made.id, after="msg_unknown")
    with pytest.raises(openai.BadRequestError, match="at most 20"):
        await client.conversations.items.create(made.id, items=[message("x")] * 21)
    with pytest.raises(openai.NotFoundError, match="Item with id 'msg_x' not found"):
        await client.conversations.items.retrieve("msg_x", conversation_id=made.id)


async def test_a_page_of_large_items_ends_early_and_all_of_it_comes() -> None:
    client = async_client(ScriptedModel())
    made = await client.conversations.create()
    for n in range(5):
        await client.conversations.items.create(made.id, items=[message(str(n) * 1_500_000)])
    page = await client.conversations.items.list(made.id, order="asc", limit=100)
    assert (len(page.data), page.has_more) == (2, True)
    everything = [item async for item in client.conversations.items.list(made.id, order="asc")]
    assert [text[:1] for text in texts_of(everything)] == ["0", "1", "2", "3", "4"]


async def test_a_conversation_keeps_its_newest_items() -> None:
    client = async_client(ScriptedModel())
    made = await client.conversations.create()
    for n in range(KEPT_ITEMS + 3):
        await client.conversations.items.create(made.id, items=[message(str(n))])
    kept = [item async for item in client.conversations.items.list(made.id, order="asc")]
    assert texts_of(kept) == [str(n) for n in range(3, KEPT_ITEMS + 3)]


async def test_items_keep_their_ids_and_no_id_comes_twice() -> None:
    client = async_client(ScriptedModel())
    own: Any = {**message("one"), "id": "msg_own"}
    made = await client.conversations.create(items=[own])
    added = await client.conversations.items.create(made.id, items=[own])
    assert [i.id for i in (await client.conversations.items.list(made.id)).data][1] == "msg_own"
    assert added.data[0].id != "msg_own"


async def test_what_is_in_a_conversation_belongs_to_the_models_input() -> None:
    model = ScriptedModel()
    turn = model.on("And now?", say("It is ", "ripe."))
    later = model.on("And then?", say("Late."))
    client = async_client(model)
    made = await client.conversations.create(
        items=[message("Plant it."), message("Ok", "developer")]
    )
    await client.responses.create(model="m", input="And now?", conversation=made.id)
    assert [(item.role, item.text) for item in turn.request.input] == [
        ("user", "Plant it."),
        ("developer", "Ok"),
        ("user", "And now?"),
    ]
    stored = (await client.conversations.items.list(made.id, order="asc")).data
    assert texts_of(stored) == ["Plant it.", "Ok", "And now?", "It is ripe."]
    await client.conversations.items.delete(stored[0].id or "", conversation_id=made.id)
    await client.responses.create(model="m", input="And then?", conversation={"id": made.id})
    assert [item.text for item in later.request.input] == [
        "Ok", "And now?", "It is ripe.", "And then?",
    ]  # fmt: skip


# --- responses -------------------------------------------------------------------------------


async def test_a_response_is_kept_with_its_input() -> None:
    model = ScriptedModel()
    model.on("one", say("First", "."))
    model.on("two", say("Second."))
    client = async_client(model)
    first = await client.responses.create(model="m", input="one")
    second = await client.responses.create(
        model="m", input=[message("two")], previous_response_id=first.id
    )
    assert (await client.responses.retrieve(second.id)).output_text == "Second."
    events = [event async for event in await client.responses.retrieve(first.id, stream=True)]
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == [
        "First", ".",
    ]  # fmt: skip
    items = [item async for item in client.responses.input_items.list(second.id, order="asc")]
    assert texts_of(items) == ["one", "First.", "two"]
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        await client.responses.cancel(first.id)
    await client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{first.id}' not found"):
        await client.responses.retrieve(first.id)


async def test_what_a_response_answers_keeps_its_ids_from_page_to_page() -> None:
    model = ScriptedModel()
    model.on("two", say("It is."))
    client = async_client(model)
    asked = await client.responses.create(
        model="gpt-5-mini", input=[message("one"), message("two")]
    )
    pages = [await client.responses.input_items.list(asked.id) for _ in range(2)]
    first, second = ([item.id for item in page.data] for page in pages)
    assert first == second
    assert len(first) == 2


async def test_a_response_that_is_not_to_be_stored_is_not_kept() -> None:
    model = ScriptedModel()
    model.on("one", say("First."))
    client = async_client(model)
    answer = await client.responses.create(model="m", input="one", store=False)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(answer.id)


async def test_a_reference_stands_for_its_item() -> None:
    model = ScriptedModel()
    model.on("one", say("First."))
    turn = model.on("two", say("Second."))
    client = async_client(model)
    first = await client.responses.create(model="m", input="one")
    made = await client.conversations.create(items=[message("kept")])
    (kept,) = (await client.conversations.items.list(made.id)).data
    references: Any = [
        {"type": "item_reference", "id": wanted}
        for wanted in (first.output[0].id, kept.id, "msg_unknown")
    ]
    await client.responses.create(model="m", input=[*references, message("two")])
    assert [(item.kind, item.text) for item in turn.request.input] == [
        ("message", "First."),
        ("message", "kept"),
        ("other", ""),
        ("message", "two"),
    ]


async def test_tokens_are_counted_with_what_the_model_sees_besides() -> None:
    model = ScriptedModel()
    model.on("one " * 100, say("First."))
    client = async_client(model)
    answer = await client.responses.create(model="m", input="one " * 100)
    alone = await client.responses.input_tokens.count(model="m", input="two")
    both = await client.responses.input_tokens.count(
        model="m", input="two", previous_response_id=answer.id
    )
    assert alone.input_tokens < 10
    assert both.input_tokens > 100
    with pytest.raises(openai.BadRequestError, match="more than"):
        await client.responses.input_tokens.count(model="m", input=[message("x")] * 6_000)


async def test_a_compaction_stands_for_the_newest_of_what_was_said_in_its_order() -> None:
    model = ScriptedModel()
    turn = model.on("and now?", say("Now."))
    client = async_client(model)
    pairs = [(message(f"q{n}"), message(f"a{n}", "assistant")) for n in range(15)]
    said = [item for pair in pairs for item in pair]
    compacted = await client.responses.compact(model="gpt-5", input=said)
    kinds = [item.type for item in compacted.output]
    assert kinds == ["message"] * (COMPACTED_ITEMS // 2) + ["compaction"]
    short: Any = [item.model_dump(exclude_unset=True, warnings=False) for item in compacted.output]
    await client.responses.create(model="m", input=[*short[2:], message("and now?")])
    newest = [item["content"] for item in said[-COMPACTED_ITEMS:]]
    without_two = [text for text in newest if text not in {"q5", "q6"}]
    assert [item.text for item in turn.request.input] == [*without_two, "and now?"]


# --- models ----------------------------------------------------------------------------------


async def test_every_model_that_the_client_knows_is_there_and_any_other_too() -> None:
    client = async_client(ScriptedModel())
    listed = {model.id for model in (await client.models.list()).data}
    assert set(get_args(ChatModel)) <= listed == set(MODELS)
    assert (await client.models.retrieve("my/own model")).id == "my/own model"
