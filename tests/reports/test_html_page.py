"""The HTML page as a parser of browsers reads it: well formed, nothing of a student active."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from xml.etree.ElementTree import Element

import html5lib
import pytest

from graders.engine.core.results import Picture, Result, Status
from graders.engine.reports.formats import html_page, timeline
from graders.engine.reports.transcript import Gap
from tests.reports.nasty import hostile
from tests.reports.samples import CONVERSATION, FEEDBACK, case, line, mixed, result, row

ACTIVE = frozenset({"img", "iframe", "object", "embed", "link", "form", "base", "input", "audio"})


def parsed(text: str) -> Element:
    """Return the document; raises for every mistake that the standard of HTML knows."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    document: Element = parser.parse(text)
    return document


def full_marks() -> Result:
    return result(row("a", "A first message is answered", points=100))


@pytest.mark.parametrize("make", [full_marks, mixed, hostile])
def test_page_is_well_formed_and_holds_nothing_active_of_a_student(
    make: Callable[[], Result],
) -> None:
    document = parsed(html_page.render(make()))
    count = Counter(str(each.tag) for each in document.iter())
    assert not ACTIVE & set(count)
    assert (count["script"], count["style"], count["title"]) == (1, 1, 1)
    for each in document.iter():
        assert not [name for name in each.attrib if str(name).lower().startswith("on")]
        for name in ("href", "src"):
            assert str(each.get(name, "#")).startswith("#")
    assert {"header", "main", "footer"} <= set(count)
    ids = [each.get("id") for each in document.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    targets = [each.get("href", "")[1:] for each in document.iter("a")]
    assert set(targets) <= set(ids)


def test_picture_of_a_page_is_shown_with_what_it_is_of() -> None:
    picture = Picture(of='The page "after" <all>.', jpeg="/9j/AAAA")
    failed = case("", Status.FAILED, FEEDBACK.model_copy(update={"picture": picture}))
    made = result(row("a", "An error is shown", Status.FAILED, cases=(failed,), score=0))
    (shown,) = parsed(html_page.render(made)).iter("img")
    assert shown.get("src") == "data:image/jpeg;base64,/9j/AAAA"
    assert shown.get("alt") == 'The page "after" <all>.'


def test_policy_of_the_page_names_its_own_script() -> None:
    document = parsed(html_page.render(mixed()))
    policies = [each.get("content", "") for each in document.iter("meta") if each.get("http-equiv")]
    (script,) = document.iter("script")
    assert len(policies) == 1
    assert f"script-src '{html_page.hash_of(script.text or '')}'" in policies[0]
    assert "default-src 'none'" in policies[0]


def test_findings_stand_in_the_order_in_which_the_page_explains_them() -> None:
    graded = result(
        row("a", "A", Status.FAILED, 10),
        row("b", "B", Status.ERROR, 50),
        row("c", "C", Status.FAILED, 30),
        row("d", "D"),
    )
    document = parsed(html_page.render(graded))
    assert [each.get("id") for each in document.iter("article")] == [
        "criterion-3",
        "criterion-1",
        "criterion-2",
    ]


def test_timeline_has_a_mark_for_each_event_in_its_order() -> None:
    chunks = line(1, "model", "said", "“a” “b”").model_copy(update={"count": 3})
    progress = line(2, "server", "progress_update", "Analyzing ...")
    rows = (
        line(0, "client", "threads.create", "hello"),
        chunks,
        Gap(4),
        progress,
        *CONVERSATION[-2:],
    )
    figure = parsed(f"<!doctype html><title>x</title>{timeline.render(rows)}")
    circles = [each for each in figure.iter() if str(each.tag).endswith("circle")]
    marks = [each for each in circles if each.get("class") != "wrong"]
    assert [each.get("class") for each in marks] == [
        "request",
        "text",
        "text",
        "text",
        "progress",
        "other",
        "other",
    ]
    places = [float(each.get("cx", "")) for each in marks]
    assert places == sorted(places)
    wrong = [each for each in circles if each.get("class") == "wrong"]
    assert [each.get("cx") for each in wrong] == [marks[-2].get("cx")]


def test_timeline_is_left_out_where_there_is_nothing_to_compare() -> None:
    assert not timeline.render(CONVERSATION[:2])
