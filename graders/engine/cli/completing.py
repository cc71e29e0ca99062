"""Completion with Tab: a script for the shell, and the words that may come next.

The script defines a command ``grade``, which works in every folder: what is typed is
``python grade.py``, and no shell completes the arguments of a script. Must not run a command.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from graders.engine.cli.shells import Shell
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import AutograderError
from graders.engine.core.results import IsolationLevel
from graders.engine.reports.audience import Audience

_SCRIPTS = {
    Shell.BASH: """\
grade() {{ {python} {file} "$@"; }}
_grade() {{
  local IFS=$'\\n'
  COMPREPLY=($({python} {file} completion bash -- "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
}}
complete -o default -F _grade grade
""",
    Shell.ZSH: """\
grade() {{ {python} {file} "$@"; }}
_grade() {{
  local -a found
  found=("${{(@f)$({python} {file} completion zsh -- "${{(@)words[2,CURRENT]}}" 2>/dev/null)}}")
  if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}
compdef _grade grade
""",
    Shell.FISH: """\
function grade; {python} {file} $argv; end
function __grade
  set -l words (commandline -opc) (commandline -ct)
  {python} {file} completion fish -- $words[2..-1] 2>/dev/null
end
complete -c grade -a "(__grade)"
""",
}


def script(shell: Shell, file: Path) -> str:
    """Return what the shell must load; ``file`` is where ``grade.py`` is."""
    python = shlex.quote(sys.executable)
    return _SCRIPTS[shell].format(python=python, file=shlex.quote(str(file)))


def candidates(command: Any, catalogue: Catalogue, words: Sequence[str]) -> list[str]:
    """Return what the last of ``words`` may become; the others are complete.

    Empty where only a file or a folder can come, which the shell knows better.
    """
    *before, started = words or ("",)
    return [each for each in _possible(command, catalogue, before, started)
            if each.startswith(started)]  # fmt: skip


def _possible(
    command: Any, catalogue: Catalogue, before: Sequence[str], started: str
) -> Iterable[str]:
    here, rest = _resolved(command, catalogue, before)
    if hasattr(here, "commands"):
        names = [name for name, each in here.commands.items() if not each.hidden]
        return [*(catalogue.ids() if here is command else ()), *names, *_options(here, started)]
    if started.startswith("-"):
        return _options(here, started)
    asked = next((each for each in here.params if rest and rest[-1] in each.opts), None)
    if asked is not None and not getattr(asked, "is_flag", False):
        return _values(asked, catalogue, rest)
    given = len([word for word in rest if not word.startswith("-")])
    arguments = [each for each in here.params if each.param_type_name == "argument"]
    return _values(arguments[given], catalogue, rest) if given < len(arguments) else ()


def _resolved(
    command: Any, catalogue: Catalogue, before: Sequence[str]
) -> tuple[Any, Sequence[str]]:
    """Return the command that ``before`` names, and the words after its name."""
    here, rest = command, list(before)
    while rest and hasattr(here, "commands") and rest[0] in here.commands:
        here = here.commands[rest.pop(0)]
    if here is command and rest and catalogue.has(rest[0]):
        here = command.commands["grade"]
    return here, rest


def _options(command: Any, started: str) -> Iterator[str]:
    if started.startswith("-"):
        yield "--help"
        for each in command.params:
            yield from (name for name in each.opts if name.startswith("--"))


def _values(parameter: Any, catalogue: Catalogue, rest: Sequence[str]) -> Iterable[str]:
    match parameter.name:
        case "lesson" | "names":
            return catalogue.ids()
        case "only" | "show" | "loses" | "criterion":
            return _criteria(catalogue, rest)
        case "audience":
            return list(Audience)
        case "require":
            return list(IsolationLevel)
        case "shell":
            return list(Shell)
        case _:
            return ()


def _criteria(catalogue: Catalogue, rest: Sequence[str]) -> list[str]:
    """Return the criteria of the lesson that was typed, else of all lessons."""
    named = [catalogue.lesson(word) for word in rest[:1] if catalogue.has(word)]
    try:
        rubrics = [lesson.rubric for lesson in named or catalogue.lessons()]
    except AutograderError:
        return []
    return list(dict.fromkeys(name for rubric in rubrics for name in rubric.visible_ids))
