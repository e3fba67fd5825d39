"""The record of a run, its pages and its provenance."""

import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from prov.model import ProvActivity, ProvDocument, ProvEntity

from tellurion_agent.recipes.recipe import Value
from tellurion_agent.report.pages import FILES_SHOWN, html, markdown
from tellurion_agent.report.provenance import provenance
from tellurion_agent.report.record import File, Record, Setting, Source
from tellurion_core.errors import InvalidInput

EVIL = "</script><script>alert(1)</script> | `x`\n# heading\n\n![a](http://b)"
RECORD = Record(
    run="agent/runs/" + "a" * 32,
    question="How fast has the sea surface warmed?",
    created="2026-11-27T03:00:00+00:00",
    recipe="linear_trend",
    title="Linear trend of an area mean",
    method="Ordinary least squares.",
    references=("Santer et al. 2000",),
    settings=(Setting(name="period", value="1990–2019"), Setting(name="region", value="global", assumed=True)),
    slots={"period": {"type": "period", "first": 1990, "last": 2019}},
    reasons=("The only data set with sea surface temperature.",),
    sources=(
        Source(
            role="field", title="tos of MODEL-A", facets={}, files=(File(name="tos.nc", sha256="b" * 64, bytes=10),)
        ),
    ),
    script="print('trend')\n",
    attempts=(),
    steps=({"name": "run", "outcome": "1 answer", "seconds": 1.25, "began": "2026-11-27T02:58:00+00:00"},),
    status="answered",
    values=(Value("trend", 0.0214, "K/year", 0.015, 0.028),),
    notes=("Autocorrelated.",),
    checks=(("the interval holds the trend", True),),
    results=(File(name="answer.json", sha256="c" * 64, bytes=20),),
)


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        self.text += data


def test_a_record_is_the_same_after_json() -> None:
    assert Record.of(json.loads(json.dumps(RECORD.json()))) == RECORD


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"values": [{"x": 1}]},
        {"values": [{"label": "a", "value": float("nan"), "units": ""}]},
        {"references": None},
        {"unknown": 1},
        {"slots": []},
        {"steps": [1]},
        {"checks": [["it holds"]]},
        {"sources": [{"role": "field", "title": "", "facets": {}, "files": [{"name": 1, "sha256": "", "bytes": 0}]}]},
    ],
)
def test_a_damaged_record_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="record"):
        Record.of({**json.loads(json.dumps(RECORD.json())), **damage})


def test_a_page_says_what_was_asked_answered_and_done() -> None:
    page = Tags(html(RECORD, b"png"))
    for said in (
        RECORD.question,
        "0.0214",
        "K/year",
        "0.015 to 0.028",
        "global",
        "assumed",
        "b" * 64,
        "Santer",
        "1.25",
    ):
        assert said in page.text
    (image,) = (attributes for tag, attributes in page.tags if tag == "img")
    assert image["src"] == "data:image/png;base64,cG5n"
    assert image["alt"] == RECORD.title


def test_the_markdown_has_a_heading_a_table_a_figure_and_lists() -> None:
    full = replace(
        RECORD,
        checks=(*RECORD.checks, ("the trend is finite", True)),
        references=(*RECORD.references, "Wigley 2006"),
        services=({"service": "ocean", "method": "gp", "version": "1"},),
    )
    said = MarkdownIt().enable("table").render(markdown(full, figure=True))
    page = Tags(said)
    counts = {
        kind: [tag for tag, _ in page.tags].count(kind) for kind in ("h1", "h2", "table", "tr", "img", "ul", "li")
    }
    # Lists: notes, settings, reasons, data sets, files of one, references, checks, steps and services.
    assert counts == {"h1": 1, "h2": 5, "table": 1, "tr": 2, "img": 1, "ul": 8, "li": 12}
    items = [item.partition("</li>")[0].partition("\n")[0] for item in said.split("<li>")[1:]]
    assert items[:3] == ["Autocorrelated.", "period: 1990–2019", "region: global (assumed)"]
    assert items[-1] == "by the ocean service: method gp, version 1"
    assert "<p>Ordinary least squares.</p>" in said


def test_what_others_say_is_text() -> None:
    hostile = replace(RECORD, question=EVIL, notes=(EVIL,), script=EVIL, values=(Value(EVIL, 1.0, EVIL),))
    page = Tags(html(hostile, None))
    assert [tag for tag, _ in page.tags if tag in ("script", "iframe", "a", "link")] == []
    assert "alert(1)" in page.text
    lines = markdown(hostile, figure=False).splitlines()
    fence = lines.index("```python")
    assert [line for line in lines[:fence] if line.startswith("# ")] == [
        "# &lt;/script>&lt;script>alert(1)&lt;/script> \\| `x` # heading !\\[a](http://b)"
    ]
    assert [line for line in lines[:fence] if "<script>" in line or "![" in line] == []
    assert lines[fence + 1 :] == [*EVIL.splitlines(), "```"]


def test_without_an_answer_the_reason_stands_there() -> None:
    none = replace(RECORD, status="abstained", values=(), reason="There is no tos after 2014.")
    for page in (Tags(html(none, None)).text, markdown(none, figure=False)):
        assert "Abstained" in page
        assert none.reason in page
    assert "![" not in markdown(none, figure=False)


def test_of_many_files_some_are_shown() -> None:
    files = tuple(File(name=f"{number}.nc", sha256=f"{number:064x}", bytes=1) for number in range(FILES_SHOWN + 5))
    many = replace(RECORD, sources=(replace(RECORD.sources[0], files=files),))
    for page in (Tags(html(many, None)).text, markdown(many, figure=False)):
        assert "5 more files, in record.json" in page
        assert f"{FILES_SHOWN}.nc" not in page


def test_provenance_leads_from_results_to_data() -> None:
    document = ProvDocument.deserialize(content=provenance(RECORD, requester="ann"), format="json")
    (activity,) = document.get_records(ProvActivity)
    times = (activity.get_startTime().isoformat(), activity.get_endTime().isoformat())
    assert times == (RECORD.steps[0]["began"], RECORD.created)
    script = "sha256:" + hashlib.sha256(RECORD.script.encode()).hexdigest()
    entities = {str(each.identifier): each for each in document.get_records(ProvEntity)}
    assert set(entities) == {"sha256:" + "b" * 64, "sha256:" + "c" * 64, script}
    written = document.get_provn()
    assert f"wasDerivedFrom(sha256:{'c' * 64}, sha256:{'b' * 64}" in written
    assert f"wasGeneratedBy(sha256:{'c' * 64}, {activity.identifier}" in written
    assert f"wasAssociatedWith({activity.identifier}, tellurion:agent, {script}" in written
    assert "ann" in written
