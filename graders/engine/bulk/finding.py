"""What was handed in, found in a folder, in a platform's download, or by a list.

Must not look into a submission beyond its name, and not know the roster.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from graders.engine.bulk.class_archives import split
from graders.engine.bulk.deliveries import Delivery
from graders.engine.bulk.lists import ListedSubmission, is_list, read_list
from graders.engine.bulk.names import (
    is_of_gradescope,
    names_of_clone,
    read_name,
    shared_start,
    without_ending,
)
from graders.engine.bulk.repositories import Repositories, is_repository
from graders.engine.core.errors import UsageError
from graders.engine.core.text import encodable, quote
from graders.engine.submissions.archives import is_archive

METADATA = "submission_metadata.yml"
MAX_METADATA_BYTES = 64 << 20
_PASSED_OVER = re.compile(r"__MACOSX|\..*|Thumbs\.db|desktop\.ini|index\.html|.*\.csv|.*\.ya?ml")
_OWN_PLATFORM = "Gradescope"


@dataclass(frozen=True)
class _Item:
    """One file or folder at the top of a download."""

    name: str
    path: Path
    folder: bool
    modified: float


@dataclass(frozen=True)
class _Submitters:
    """What Gradescope's metadata say of one submission."""

    people: tuple[tuple[str, ...], ...]
    time: float


@contextmanager
def found_submissions(
    source: Path, lesson: str, repositories: Repositories
) -> Iterator[tuple[Delivery, ...]]:
    """Yield all that was handed in at ``source``, for as long as it is used; the names sorted.

    ``source`` is a folder, an archive of one, or a list. A UsageError if nothing is there.
    """
    with ExitStack() as stack:
        if source.is_file() and is_list(source):
            found = _of_lines(read_list(source), lesson, repositories)
        elif source.is_file() and is_archive(source):
            pieces = stack.enter_context(split(source))
            items = [_Item(each.name, each.path, each.folder, each.modified) for each in pieces]
            found = _of_download(items, source, lesson, repositories)
        elif source.is_dir():
            found = _of_download(list(_items_in(source)), source, lesson, repositories)
        else:
            raise UsageError(
                f"`{quote(str(source), 200)}` is no folder, archive or list of submissions.",
                cure="Give the folder with the submissions, the platform's download as it is, or "
                "a .csv or .txt file with their paths.",
            )
        if not found:
            raise UsageError(
                f"There is no submission in `{quote(str(source), 200)}`.",
                cure="Each folder and each archive in it is one.",
            )
        told = map(_encodable, found)
        yield tuple(sorted(told, key=lambda each: (each.called.casefold(), each.called)))


def _encodable(delivery: Delivery) -> Delivery:
    """Return it with names that can be written: those of a file system need be no UTF-8."""
    return replace(
        delivery,
        called=encodable(delivery.called),
        people=tuple(tuple(map(encodable, names)) for names in delivery.people),
        shown=encodable(delivery.shown),
    )


def _items_in(folder: Path) -> Iterator[_Item]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{folder} cannot be read: {reason}.") from error
    for path in inside:
        if not path.is_symlink():
            yield _Item(path.name, path, path.is_dir(), path.stat().st_mtime)


def _of_download(
    items: Sequence[_Item], source: Path, lesson: str, repositories: Repositories
) -> list[Delivery]:
    """Return what the files and folders of a download are."""
    metadata = next((each for each in items if each.name == METADATA), None)
    known = _metadata(metadata.path, source / METADATA) if metadata else {}
    taken = [each for each in items if not _PASSED_OVER.fullmatch(each.name)]
    start = shared_start(
        [each.name for each in taken],
        lesson,
        clones=bool(taken) and all(is_repository(each.path) for each in taken),
    )
    found: list[Delivery] = []
    loose: dict[str, list[_Item]] = {}
    for item in taken:
        if is_of_gradescope(item.name) and item.name in known:
            found.append(_of_gradescope(item, known[item.name], source))
        elif item.folder or is_archive(item.path):
            found.append(_of_item(item, source, start, repositories))
        elif read_name(item.name).platform:
            loose.setdefault(read_name(item.name).together, []).append(item)
    return [*found, *(_of_files(files, source) for files in loose.values())]


def _of_item(item: _Item, source: Path, start: str, repositories: Repositories) -> Delivery:
    read = read_name(item.name)
    people = read.people if item.folder or read.platform else (without_ending(item.name),)
    if start and not read.platform:
        people = names_of_clone(people[0], start)

    def place() -> AbstractContextManager[Path]:
        if item.folder and repositories.due is not None and is_repository(item.path):
            return repositories.opened(str(item.path), "")
        return nullcontext(item.path)

    return Delivery(
        called=item.name,
        people=(people,),
        place=place,
        shown=str(source / item.name),
        attempt=read.attempt,
        time=item.modified,
        late=read.late,
        ends=not start and not read.platform,
    )


def _of_files(files: Sequence[_Item], source: Path) -> Delivery:
    """Return the single files that one student handed in as one submission, the newest of each."""
    newest: dict[str, _Item] = {}
    for item in sorted(files, key=lambda each: (read_name(each.name).attempt, each.modified)):
        newest[read_name(item.name).file] = item
    first = read_name(files[0].name)
    return Delivery(
        called=files[0].name,
        people=(first.people,),
        place=lambda: _together(newest),
        shown=str(source / files[0].name),
        attempt=max(read_name(each.name).attempt for each in files),
        time=max(each.modified for each in files),
        late=any(read_name(each.name).late for each in files),
        notes=(f"put together from {len(newest)} files",) if len(newest) > 1 else (),
    )


@contextmanager
def _together(files: Mapping[str, _Item]) -> Iterator[Path]:
    """Yield a folder with files by the names that the student gave them."""
    with tempfile.TemporaryDirectory(prefix="chatkit-files-") as name:
        folder = Path(name)
        for called, item in files.items():
            plain = Path(called.replace("\\", "/")).name
            if plain and not item.path.is_symlink():
                shutil.copyfile(item.path, folder / plain)
        yield folder


def _of_gradescope(item: _Item, submitters: _Submitters, source: Path) -> Delivery:
    return Delivery(
        called=item.name,
        people=submitters.people,
        place=lambda: nullcontext(item.path),
        shown=str(source / item.name),
        time=submitters.time or item.modified,
        handed_in=datetime.fromtimestamp(submitters.time, UTC) if submitters.time else None,
    )


def _of_lines(
    lines: Sequence[ListedSubmission], lesson: str, repositories: Repositories
) -> list[Delivery]:
    """Return what a list names; a student is what follows a common start that names the lesson."""
    start = shared_start(list(map(_name_in, lines)), lesson, clones=False)
    return [_of_line(each, start, repositories) for each in lines]


def _name_in(listed: ListedSubmission) -> str:
    """Return the last part of a path or URL."""
    name = re.split(r"[/\\:]", listed.source.rstrip("/"))[-1]
    return without_ending(name).removesuffix(".git")


def _of_line(listed: ListedSubmission, start: str, repositories: Repositories) -> Delivery:
    def place() -> AbstractContextManager[Path]:
        if listed.is_git:
            return repositories.opened(listed.source, listed.commit)
        return nullcontext(Path(listed.source))

    name = _name_in(listed)
    people = (listed.student,) if listed.student else names_of_clone(name, start)
    return Delivery(
        called=name,
        people=(people,),
        place=place,
        shown=listed.source,
        time=float(listed.line),
        handed_in=listed.handed_in,
        ends=not start and not listed.student,
    )


def _metadata(file: Path, path: Path) -> Mapping[str, _Submitters]:
    """Return what Gradescope's `submission_metadata.yml` says of each submission.

    ``path`` is where it was in the download, as errors name it.
    """
    cure = "Take it from Gradescope's “Export Submissions” as it is, or leave it out."
    try:
        if file.stat().st_size > MAX_METADATA_BYTES:
            raise UsageError(f"{path} is too large.", cure=cure)
        # Scalars stay texts; a loader in C, since the file has every result with its output.
        data = yaml.load(file.read_bytes(), Loader=yaml.CBaseLoader)  # noqa: S506 - texts only
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}, line {line}: {error.problem}.", cure=cure) from error
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {quote(str(error), 120)}.", cure=cure) from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}, line 1: there are no submissions.", cure=cure)
    return {str(name): _submitters(value) for name, value in data.items()}


def _submitters(value: object) -> _Submitters:
    fields = _plain(value)
    listed = fields.get("submitters")
    people = tuple(
        tuple(str(person[key]) for key in ("sid", "email", "name") if person.get(key))
        for person in (map(_plain, listed) if isinstance(listed, list) else ())
    )
    return _Submitters(tuple(filter(None, people)), _time(str(fields.get("created_at", ""))))


def _plain(value: object) -> Mapping[str, object]:
    """Return a mapping with Ruby's `:name` as `name`."""
    if not isinstance(value, dict):
        return {}
    return {str(key).removeprefix(":"): each for key, each in value.items()}


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
