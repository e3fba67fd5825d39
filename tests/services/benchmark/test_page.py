"""The report's page: one file that needs nothing else, in which whatever is said is text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from tellurion_benchmark import thumbnails
from tellurion_benchmark.page import ITEMS_SHOWN, TEXT_SHOWN
from tellurion_benchmark.thumbnails import SIDE, Thumbnails

HOSTILE = (
    "</pre></details><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}{% raw %}&quot;\u202e\x00 ]]> -->"
)


class Page(HTMLParser):
    """Elements with their attributes, and the text in each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input", "line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        self.text.setdefault(self.open[-1] if self.open else "", []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def page(evaluating, write_dataset, tmp_path):
    """The page of an evaluation with predictions by id."""

    def page(suite, predictions, *, records=None, count=None, label=""):
        folder = write_dataset(tmp_path / "data", suite, records=records, count=count)
        request = evaluating.request(suite, folder, predictions=predictions, label=label)
        return evaluating.run(request).files["report.html"].decode()

    return page


def test_the_title_does_not_call_our_prompts_official(page):
    title = "".join(Page(page("msearth", {}, label="m")).text["title"])
    assert title == "msearth: official scorer, our prompts (tellurion-1); m"


def sources(html: str) -> dict[str, str]:
    """The content security policy's directives."""
    (policy,) = (m["content"] for m in Page(html).named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    return dict(directive.strip().split(" ", 1) for directive in policy.split(";"))


def test_nothing_that_a_model_or_a_data_set_says_becomes_an_element(page, data_files):
    records = data_files.earthse()
    records[0] |= {"question": HOSTILE, "sphere": HOSTILE, "task": HOSTILE, "idx": "</code><script>"}
    plain, hostile = (
        page("earthse", {"2": answer}, records=made, label="".join(filter(str.isprintable, answer)))
        for answer, made in (("True", data_files.earthse()), (HOSTILE, records))
    )
    tags = [[tag for tag, _ in Page(html).elements] for html in (plain, hostile)]
    assert tags[0].count("script") == tags[1].count("script") == 1
    assert tags[0].count("img") == tags[1].count("img") == 0
    assert not any(name.startswith("on") for _, attributes in Page(hostile).elements for name in attributes)
    assert "{{7*7}}" in hostile
    assert any(HOSTILE.replace("\x00", "\ufffd") in text or HOSTILE in text for text in Page(hostile).text["pre"])


def test_only_what_stands_in_the_page_is_run_and_loaded(page):
    html = page("sfe", {"A001/0": "A"})
    allowed = sources(html)
    assert allowed["default-src"] == "'none'"
    assert allowed["img-src"] == "data:"
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert allowed[directive] == f"'sha256-{digest}'"
    for _, attributes in Page(html).elements:
        assert not {"href", "srcset", "style", "action"} & attributes.keys()
        assert attributes.get("src", "data:").startswith("data:image/jpeg;base64,") or "src" not in attributes


def test_an_item_shows_its_image_prompt_answer_and_judgement(evaluating, scripted, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "msearth")
    (tmp_path / "judge").mkdir()
    words = '{"is_correct": "true", "note": "quite so"}'
    with scripted.serving(tmp_path / "judge", scripted.Rule(reply=words)) as judge:
        request = evaluating.request("msearth", folder, predictions={"ON000002": "Late Holocene"})
        request.judge.url, request.judge.model = judge.url, "oracle"
        page = Page(evaluating.run(request).files["report.html"].decode())
    shown = page.text["pre"]
    assert words in shown
    assert shown.count("Late Holocene") == 3  # the right answer, the answer, what was extracted
    assert any("Which age is the layer?" in text and "no more than 4 words" in text.lower() for text in shown)
    assert len(page.named("img")) == 3
    for image in page.named("img"):
        assert (image["width"], image["height"]) == ("64", "48")
        assert base64.b64decode(image["src"].partition(",")[2]).startswith(b"\xff\xd8")


def test_intervals_are_drawn_where_they_are(page, data_files):
    records = list(data_files.many("earthse", 40))
    right = {str(r["idx"]): r["answer"] if r["idx"] % 8 else "no" for r in records if r["format"] == "multiple_choice"}
    page = Page(page("earthse", right, records=records))
    width = float(page.named("svg")[0]["width"])
    value = float(page.named("circle")[0]["cx"])
    axis, interval = page.named("line")[:2]
    assert axis["class"] == "axis"
    assert interval["class"] == "interval"
    # Five of ten: the axis goes on beyond 0 and 1 only where an interval does.
    assert value == pytest.approx(width / 2, abs=0.1)
    assert float(interval["x1"]) < value < float(interval["x2"])
    assert float(interval["x2"]) - value == pytest.approx(value - float(interval["x1"]), abs=0.2)


def test_of_many_items_some_of_each_kind_are_shown_and_it_is_said(page, data_files):
    records = list(data_files.many("earthse", 3000))
    answers = {str(r["idx"]): r["answer"] for r in records if r["format"] != "free_form" and r["idx"] % 500}
    answers["1500"] = "wrong"
    html = page("earthse", answers, records=records)
    items = [e for e in Page(html).named("details") if e.get("class") == "item"]
    assert len(items) == ITEMS_SHOWN
    assert f"{ITEMS_SHOWN} of 3000" in html
    shown = {(item["data-kind"], item["data-outcome"]) for item in items}
    assert ("multiple_choice", "zero") in shown
    assert {(kind, "above zero") for kind in ("multiple_choice", "true_false", "fill_in_the_blank")} < shown
    assert ("free_form", "unscored") in shown
    assert len(html) < 2_000_000


def test_a_long_text_is_cut_and_its_length_told(page):
    html = page("earthse", {"1": "x" * (TEXT_SHOWN * 50)})
    assert "x" * (TEXT_SHOWN + 1) not in html
    assert "x" * (TEXT_SHOWN // 2) in html


def test_a_thumbnail_is_small_whatever_the_image(tmp_path, data_files):
    path = tmp_path / "wide.png"
    path.write_bytes(data_files.picture(3000, 300))
    thumbnail = Thumbnails().of(path)
    assert (thumbnail.width, thumbnail.height) == (SIDE, SIDE // 10)


def test_thumbnails_end_where_the_page_has_no_room(tmp_path, data_files, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(data_files.picture(100, 100))
    monkeypatch.setattr(thumbnails, "MOST_PIXELS", 25_000)
    made = Thumbnails()
    assert [made.of(path) is not None for _ in range(4)] == [True, True, False, False]


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_image_has_no_thumbnail(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert Thumbnails().of(path) is None
