"""The code of the skill, which an agent copies: it is Python, and what it names exists."""

from __future__ import annotations

from importlib.metadata import version

from graders.engine.harness import criterion, expect, found, quote
from graders.lesson00.names import missing_names
from graders.lesson00.skill import Skill

SHOWN = 5


@criterion("code-parses")
def test_code_is_python(skill: Skill) -> None:
    in_page = [block for block in skill.page.blocks if block.is_python]
    expect(bool(in_page), "There is no block of code that is marked as `python`.", hint="none")
    for block in skill.blocks:
        if block.is_python:
            try:
                block.tree()
            except SyntaxError as error:
                where = f"`{quote(block.file, 200)}`, line {block.line_of(error.lineno)}"
                found(f"{where}: this is no Python: {quote(error.msg, 200)}.")


@criterion("code-names-exist")
def test_names_exist(skill: Skill) -> None:
    missing = missing_names(skill.blocks)
    if not missing:
        return
    told = [f"`{quote(each.file, 200)}`, line {each.line}: {each.said}" for each in missing]
    more = " There are more." if len(told) > SHOWN else ""
    packages = ("openai-chatkit", "openai-agents", "openai")
    installed = ", ".join(f"{name} {version(name)}" for name in packages)
    found(f"{'. '.join(told[:SHOWN])}.{more} Installed: {installed}.", hint=missing[0].hint)
