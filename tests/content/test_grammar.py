"""The page about conversations tells every key, and each example is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from graders.engine.content.actions import TOKEN_KINDS, TokenKind
from graders.engine.content.binding import bind
from graders.engine.content.conversation import ACTIONS, ConversationTurn, load_conversation
from graders.engine.content.grammar import EXPECT, SECTIONS, STEPS, TURN, Section, page
from graders.engine.content.nodes import MappingNode, Node, ScalarNode, SequenceNode
from graders.engine.content.steps import STEP_KINDS
from graders.engine.content.strict_yaml import parse

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conversations.md"
SOMEWHERE = Path("example.yaml")
# What must stand beside a key of a turn, so that the turn has one action and can be read.
BESIDE = {
    **{each: "say: Hello" for each in TURN if each not in ACTIONS},
    "token": "load: true",
}
SEEN_AFTER = {
    "titles": "list_threads: true",
    "threads": "list_threads: true",
    "more": "list_threads: true",
    "title": "load: true",
}


def node(text: str) -> Node:
    return parse(text, SOMEWHERE)


def test_page_in_the_docs_is_the_one_that_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write what grammar.page() returns into it"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_section_tells_every_key(section: Section) -> None:
    known = STEP_KINDS if section.model is None else section.model.model_fields
    assert list(section.keys) == list(known) or set(section.keys) == set(known)


def test_every_kind_of_token_is_told() -> None:
    assert set(TOKEN_KINDS) == set(TypeAdapter(TokenKind).json_schema()["enum"])


@pytest.mark.parametrize("key", TURN)
def test_example_of_a_turn_is_read(key: str) -> None:
    beside = BESIDE.get(key, "")
    written = f"{key}: {TURN[key].example}"
    lines = [written] if key in beside else [beside, written]
    turn = bind(node("\n".join(filter(None, lines))), ConversationTurn, SOMEWHERE)
    assert key in turn.model_fields_set


@pytest.mark.parametrize("key", EXPECT)
def test_example_of_an_expectation_is_read(key: str) -> None:
    action = SEEN_AFTER.get(key, "say: Hello")
    written = f"{action}\nexpect:\n  {key}: {EXPECT[key].example}"
    turn = bind(node(written), ConversationTurn, SOMEWHERE)
    assert key in turn.expect.model_fields_set


@pytest.mark.parametrize("key", STEPS)
def test_example_of_a_step_is_read(key: str) -> None:
    read = bind(node(f"{key}: {STEPS[key].example}"), STEP_KINDS[key], SOMEWHERE)
    assert key in read.model_fields_set


SMALL = [each for each in SECTIONS if each.keys not in (TURN, EXPECT, STEPS)]


@pytest.mark.parametrize("section", SMALL, ids=lambda section: section.title)
def test_examples_of_a_small_section_are_read_together(section: Section) -> None:
    assert section.model is not None
    written = "\n".join(f"{name}: {key.example}" for name, key in section.keys.items())
    read = bind(node(written), section.model, SOMEWHERE)
    assert read.model_fields_set == set(section.keys)


def test_example_at_the_top_of_the_page_is_read(tmp_path: Path) -> None:
    example = page().split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "example.yaml"
    file.write_text(example, encoding="utf-8")
    assert len(load_conversation(file).turns) == 2


def test_nodes_of_the_examples_are_of_every_kind() -> None:
    kinds = {type(node(key.example)) for each in SECTIONS for key in each.keys.values()}
    assert kinds == {ScalarNode, SequenceNode, MappingNode}
