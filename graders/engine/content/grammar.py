"""The format of conversations for a reader: every key with what it means and an example.

Pure. Must not know how anything is played. `docs/conversations.md` is what :func:`page` returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graders.engine.content.actions import TOKEN_KINDS, CustomAction, PageRequest
from graders.engine.content.conversation import MOST_TURNS, Conversation, ConversationTurn
from graders.engine.content.expectations import Expectation, Message, WidgetExpectation
from graders.engine.content.fields import ContentModel
from graders.engine.content.steps import (
    BrokenConnection,
    Failure,
    ScriptedToolCall,
)


@dataclass(frozen=True)
class Key:
    """A key: what it means, and an example of what is written after it."""

    meaning: str
    example: str


Keys = Mapping[str, Key]

SCRIPT: Keys = {
    "format_version": Key("The version of this format.", "1"),
    "name": Key("The conversation's id: small letters, digits, hyphens.", "two-users"),
    "description": Key("What it shows, in a sentence.", "Two users do not see each other."),
    "users": Key("Who takes part; `[user]` if left out.", "[alice, bob]"),
    "turns": Key(
        f"What happens, in order; {MOST_TURNS} turns at most.", "[{say: Hello, model: [{say: Hi}]}]"
    ),
}

TURN: Keys = {
    "given": Key("What is so before, in your words; shown in transcripts.", "Alice has a task."),
    "when": Key("What is done, in your words.", "She presses its button."),
    "then": Key("What must come of it, in your words.", "The task is done."),
    "user": Key("Who acts; the first user if left out.", "bob"),
    "token": Key("What the user signs in with; see below.", "expired"),
    "thread": Key("The name of the user's thread in this script; `main` if left out.", "shopping"),
    "of": Key("Whose thread it is, if another's; `nobody`: one that does not exist.", "alice"),
    "say": Key("Say this; the first message in a thread begins it.", "Buy milk, please."),
    "leave_after": Key("Beside `say`: the client leaves after so many deltas.", "2"),
    "pause_after": Key("Beside `say`: the client stops reading after so many deltas.", "2"),
    "read_on": Key("Read the rest of an answer that was paused.", "true"),
    "retry": Key("Ask for another answer to the newest message of the thread.", "true"),
    "tool_output": Key("Send what a client tool gave: any JSON.", "{shown: true}"),
    "list_threads": Key("List the user's threads: `true`, or a page as below.", "{limit: 2}"),
    "load": Key("Load the thread (`threads.get_by_id`).", "true"),
    "list_items": Key("List the thread's items: `true`, or a page as below.", "{order: desc}"),
    "rename": Key("Give the thread this title.", "Shopping"),
    "delete": Key("Delete the thread.", "true"),
    "feedback": Key("Rate the newest answer of the thread.", "positive"),
    "press": Key("Press the button of a widget that stands beside this text.", "Buy milk"),
    "act": Key(
        "Send an action of your own making.",
        '{type: complete_task, payload: {task_id: "{task_id: Buy milk}"}}',
    ),
    "wait": Key("Move the server's clock: seconds, minutes, hours or days.", "25 hours"),
    "restart": Key("Let the server finish what it does; then end and start it.", "true"),
    "kill": Key("End the server at once, as a power failure would, and start it.", "true"),
    "together": Key(
        "Send these requests at the same time.",
        "[{say: One, thread: a, model: [{say: 1}]}, {say: Two, thread: b, model: [{say: 2}]}]",
    ),
    "model": Key(
        "Beside `say`, `retry` and `tool_output`: what the model does, step by step; see below.",
        "[{say: [It is, ' done.']}]",
    ),
    "expect": Key("What must be seen then; see below.", "{text: It is done.}"),
}

EXPECT: Keys = {
    "status": Key("The status of HTTP; 200 if nothing is said.", "401"),
    "headers": Key("Headers, and a part of what each says.", "{www-authenticate: Bearer}"),
    "refused": Key(
        "Nothing is done: a status of 400 or more, or an `error` event or a broken stream with "
        "nothing before it; and the model is not asked.",
        "true",
    ),
    "any_outcome": Key("It may be served or refused; only the rest counts.", "true"),
    "nothing_of": Key(
        "Nothing that these users said, were told or own is shown: no word and no id.", "[alice]"
    ),
    "events": Key(
        "These events come, in this order; others may be between.",
        "[thread.created, thread.item.done/assistant_message]",
    ),
    "text": Key("All deltas together.", "It is done."),
    "error": Key("Whether an `error` event comes; `false` if nothing is said.", "true"),
    "progress": Key("Progress is reported before the answer begins.", "true"),
    "client_tool": Key("The client is asked to do this tool.", "show_task"),
    "widget": Key("What the widget shows that came last; see below.", "{buttons: [Buy milk]}"),
    "model_saw": Key("These texts are in the requests to the model in this turn.", "[milk]"),
    "model_did_not_see": Key("These texts are in none of them.", "[bread]"),
    "model_asked": Key("Whether the model is asked at all.", "false"),
    "items": Key(
        "All messages of the thread afterwards.",
        "[{role: user, text: Hello}, {role: assistant, text: Hi}]",
    ),
    "title": Key("The title of the thread, after `load` or `rename`.", "Shopping"),
    "titles": Key('The titles that are listed, in order; `""` for none.', '[Shopping, ""]'),
    "threads": Key("The threads that are listed, by their names here, in order.", "[two, one]"),
    "more": Key("Whether the page says that others follow.", "true"),
}

PAGE: Keys = {
    "limit": Key("How many entries at most.", "2"),
    "order": Key("`asc` or `desc`.", "asc"),
    "next": Key("Go on after the last page of this list that the user got.", "true"),
}
ACTION: Keys = {
    "type": Key("The type of the action.", "complete_task"),
    "payload": Key("Any JSON.", "{task_id: 7}"),
}
WIDGET: Keys = {
    "shows": Key("Texts that it shows.", "[Buy milk]"),
    "hides": Key("Texts that it does not show.", "[Buy bread]"),
    "buttons": Key(
        "The texts beside its buttons, one for each button, in any order.", "[Buy milk, Buy bread]"
    ),
}
MESSAGE: Keys = {
    "role": Key("`user` or `assistant`.", "user"),
    "text": Key("The whole text.", "Hello"),
}
STEPS: Keys = {
    "say": Key("It says these chunks, one after the other.", "[It is, ' done.']"),
    "hold": Key("As `say`, each chunk only once the client has the one before.", "[a, b, c]"),
    "call_tool": Key("It calls a tool.", "{name: create_task, arguments: {title: Buy milk}}"),
    "reason": Key("It thinks aloud.", "Let me see."),
    "fail": Key("It answers with an error.", "{status: 429, code: slow_down}"),
    "drop": Key("The connection breaks.", "{after: [It is]}"),
}
TOOL_CALL: Keys = {
    "name": Key("The tool.", "complete_task"),
    "arguments": Key("Its arguments, as JSON.", '{task_id: "{task_id: Buy milk}"}'),
    "malformed": Key("Whether to send arguments that are not JSON.", "true"),
}
FAILURE: Keys = {
    "status": Key("400 to 599; 500 if left out.", "503"),
    "code": Key("The error's code.", "overloaded"),
    "message": Key("Its text.", "Try again later."),
    "after": Key("Chunks that come before it.", "[It is]"),
}
DROP: Keys = {"after": Key("Chunks that come before.", "[It is]")}


@dataclass(frozen=True)
class Section:
    """A part of the page: the model whose keys it tells; steps have none of their own."""

    title: str
    intro: str
    keys: Keys
    model: type[ContentModel] | None


SECTIONS = (
    Section("The script", "The top of a file.", SCRIPT, Conversation),
    Section(
        "A turn",
        "A turn has **one** action: one of the keys from `say` to `together`.",
        TURN,
        ConversationTurn,
    ),
    Section("`expect`", "What is left out is not checked.", EXPECT, Expectation),
    Section("`widget` in `expect`", "", WIDGET, WidgetExpectation),
    Section("An entry of `items`", "", MESSAGE, Message),
    Section("A page: `list_threads`, `list_items`", "", PAGE, PageRequest),
    Section("`act`", "", ACTION, CustomAction),
    Section("The steps of the model", "Each step is one of these keys.", STEPS, None),
    Section("`call_tool`", "", TOOL_CALL, ScriptedToolCall),
    Section("`fail`", "", FAILURE, Failure),
    Section("`drop`", "`drop: true` says nothing before.", DROP, BrokenConnection),
)

_HEAD = """\
# Conversations

A conversation says who does what, what the model answers, and what must come of it. The samples of
the assignments are conversations, and so are the scenarios of lesson 08's `spec.yaml`.
`python grade.py replay FILE [FOLDER]` plays one and shows what happens.

<!-- Made from graders/engine/content/grammar.py; a test compares the two. -->

```yaml
format_version: 1
name: remembers-a-colour
description: The second answer needs the first message.
turns:
  - given: Alice has told her colour.
    say: "My colour is {canary.colour}."
    model:
      - say: [Noted.]
  - say: Which colour do I like?
    model:
      - say: [You know it.]
    expect:
      model_saw: ["{canary.colour}"]
      text: You know it.
```

The model is scripted: it answers a message with the steps beside it, and nobody asks a real one. If
nothing else is expected, a request must be answered with status 200 and without an `error` event.

## Words that stand for others

| written | stands for |
|---|---|
| `{canary.NAME}` | a word that is new in each run, the same for one name: nobody can know it |
| `{task_id: TITLE}` | the `task_id` in the action of the button beside TITLE |

The button must be in a widget that was shown before. It can stand in the arguments of a tool, in
`act`, `tool_output`, `model_saw` and `model_did_not_see`.

A text that begins with `{` needs quotes, and so does one with a comma or a question mark between
`{` and `}`.
"""


def page() -> str:
    """Return the whole page, in Markdown."""
    parts = [_HEAD, *(_section(each) for each in SECTIONS), _tokens()]
    return "\n".join(parts)


def _section(section: Section) -> str:
    intro = f"{section.intro}\n\n" if section.intro else ""
    rows = "\n".join(_rows(section.keys))
    return f"## {section.title}\n\n{intro}| key | meaning | example |\n|---|---|---|\n{rows}\n"


def _rows(keys: Keys) -> Iterator[str]:
    for name, key in keys.items():
        yield f"| `{name}` | {key.meaning} | `{name}: {key.example}` |"


def _tokens() -> str:
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in TOKEN_KINDS.items())
    return f"## `token`\n\n| token | what it is |\n|---|---|\n{rows}\n"
