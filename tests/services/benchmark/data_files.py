"""Small data sets of each benchmark, written in exactly its published layout.

`write_dataset(folder, "sfe")` makes a folder that `tellurion benchmark run --data` takes: the questions, and the images
beside. The questions themselves are made up.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from PIL import Image

Record = dict[str, Any]


def picture(width: int = 64, height: int = 48, *, form: str = "PNG", shade: int = 128) -> bytes:
    """An image of one shade."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 96, 160)).save(file, form)
    return file.getvalue()


def sfe(language: str = "en") -> list[Record]:
    """A question of each published type, and one of a task whose answers are boxes."""
    if language == "zh":
        return [
            _sfe("A001/0", "天文学", "mcq", "图中的天体属于哪一类？", "A", ("A. 旋涡星系", "B. 椭圆星系")),
            _sfe("L003/2", "生命科学", "exact_match", "图中有几个细胞？", "3"),
            _sfe("C014/1", "化学", "open_ended", "描述该反应的产物。", "一种无色气体"),
            _sfe("E011/0", "地球科学", "exact_match", "用方框标出台风眼。", "[10,20,110,220]"),
        ]
    return [
        _sfe("A001/0", "Astronomy", "mcq", "Which kind of galaxy is shown?", "A", ("A. spiral", "B. elliptical")),
        _sfe("L003/2", "Life", "exact_match", "How many cells are there?", "3"),
        _sfe("C014/1", "Chemistry", "open_ended", "Describe the product.", "a colourless gas"),
        _sfe("E011/0", "Earth", "exact_match", "Box the eyes of the storms.", "[10,20,110,220; 300,40,360,90]"),
    ]


def omniearth() -> list[Record]:
    """A question of each type: single and multiple choice, grounding, CoT, open-ended, captioning."""
    choices = ["(A) North", "(B) South", "(C) East", "(D) West", "(E) Unable to decide"]
    forest = ("Biosphere", "Vegetation monitoring", "Perception", "Forest extent")
    return [
        _omniearth("Forest extent/0", "Single Choice", forest, "Where is the forest?", "B", choices),
        _omniearth("Forest extent/1", "Multiple Choice", forest, "Where is forest lost?", "A C", choices),
        _omniearth(
            "Eddy localization/0",
            "Visual Grounding",
            ("Oceansphere", "Phenomenon detection", "Perception", "Eddy localization"),
            "Where is the eddy?",
            "<16><12><48><36>",
        ),
        _omniearth(
            "Building damage/0",
            "Chain-of-Thought",
            ("Pedosphere", "Surface disaster assessment", "Reasoning", "Building damage"),
            "Which side is damaged most?",
            "D",
            choices,
            CoT=["Step 1: This is a photo of a town.", "Step 2: The west has collapsed roofs.", "Step 3: So the west."],
        ),
        _omniearth(
            "Sea ice/0",
            "Open-ended",
            ("Cryosphere", "Sea ice forecast", "Reasoning", "Sea ice extent"),
            "How large is the extent of the ice?",
            "about 12 million km²",
        ),
        _omniearth(
            "Typhoon/0",
            "Captioning",
            ("Atmosphere", "Typhoon", "Perception", "Typhoon description"),
            "Describe the picture.",
            "A typhoon with a clear eye approaches the coast.",
        ),
    ]


def msearth() -> list[Record]:
    """A question of each of the release's three files."""
    options = "Options:\nA. The dry season\nB. The wet season\nC. Neither\nD. Both"
    mcq = f"<image>Caption:\nDischarge by month\nQuestion:\nWhen does the river rise?\n{options}"
    return [
        _msearth("ME000001", "mcq", mcq, "B", category="Trend analysis"),
        _msearth("ON000002", "open", "<image>Caption:\nAges\nQuestion:\nWhich age is the layer?", "Late Holocene"),
        _msearth("CE000003", "captioning", "<image>", "Monthly discharge of a river, which rises in summer."),
    ]


def earthse() -> list[Record]:
    """A question of each of the four formats of Earth-Iron and Earth-Silver."""
    return [
        _earthse(1, "multiple_choice", "Which gas warms most? A) CO2 B) N2 C) O2 D) Ar", "A", "knowledge_qa"),
        _earthse(2, "true_false", "Sea level falls when ice sheets melt.", "False", "fact_checking"),
        _earthse(3, "fill_in_the_blank", "The layer above the crust's base is the ____.", "mantle", "term_explanation"),
        _earthse(
            4, "free_form", "How would you date the moraine?", "By exposure ages of boulders.", "experiment_design"
        ),
    ]


def earth_gold() -> list[Record]:
    """Two dialogues."""
    return [
        {
            "idx": number,
            "user_0": f"How do {subject} change?",
            "assistant_0": f"We measured {subject} for ten years.",
            "user_1": "What limits the method?",
            "assistant_1": "Few stations reach back so far.",
            "sphere": sphere,
        }
        for number, (subject, sphere) in enumerate((("glaciers", "Cryosphere"), ("lakes", "Hydrosphere")))
    ]


SUITES: dict[str, tuple[Callable[..., list[Record]], str, str]] = {
    "sfe": (sfe, "id", "images"),
    "omniearth": (omniearth, "Question_id", "Images"),
    "msearth": (msearth, "question_id", "images"),
    "earthse": (earthse, "idx", "images"),
    "earth-gold": (earth_gold, "idx", "images"),
}
"""By data set: its records, and which fields hold the id and the names of images."""


def many(suite: str, count: int) -> Iterator[Record]:
    """So many records: those of the suite, over and over, under ids of their own."""
    make, identifier, _ = SUITES[suite]
    for number, record in enumerate(islice(cycle(make()), count)):
        name = record[identifier]
        yield record | {identifier: number if isinstance(name, int) else f"{name.rpartition('/')[0] or name}/{number}"}


def write_dataset(
    folder: Path,
    suite: str,
    *,
    form: str = "json",
    records: Sequence[Record] | None = None,
    count: int | None = None,
    language: str = "en",
    embedded: bool = False,
) -> Path:
    """Writes `questions.json`, `.jsonl` or `.parquet` and the images that they name; returns the folder.

    `records` are written in place of the suite's own, or `count` of its own; `language` is SFE's; `embedded` puts the
    images into the Parquet file, as `datasets` does.
    """
    make, _, images = SUITES[suite]
    if records is None:
        records = list(many(suite, count)) if count else sfe(language) if suite == "sfe" else make()
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({name for record in records for name in record.get(images, ())})
    contents = {name: picture(form=_form(name), shade=16 + number % 200) for number, name in enumerate(names)}
    if embedded:
        records = [
            record | {images: [{"bytes": contents[name], "path": Path(name).name} for name in record[images]]}
            for record in records
        ]
    else:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    _write(folder / f"questions.{form}", form, records)
    return folder


def images_in(folder: Path) -> list[tuple[str, Path]]:
    """The images in a folder and below it, each with its name, as a client lists them."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in (".png", ".jpg"))
    return [(path.relative_to(folder).as_posix(), path) for path in found]


def _write(path: Path, form: str, records: Sequence[Record]) -> None:
    if form == "parquet":
        import pyarrow
        import pyarrow.parquet

        columns = dict.fromkeys(name for record in records for name in record)
        rows = [columns | record for record in records]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    else:
        path.write_text(json.dumps(list(records), ensure_ascii=False, indent=4), "utf-8")


def _form(name: str) -> str:
    return "JPEG" if name.endswith(".jpg") else "PNG"


def _sfe(name: str, field: str, kind: str, question: str, answer: str, options: Sequence[str] = ()) -> Record:
    return {
        "id": name,
        "field": field,
        "question_type": kind,
        "question": question,
        "options": list(options),
        "answer": answer,
        "images": [f"images/{name.replace('/', '_')}.png"],
    }


def _omniearth(
    name: str,
    kind: str,
    levels: tuple[str, str, str, str],
    text: str,
    truth: str,
    choices: Sequence[str] = (),
    **more: Any,
) -> Record:
    return {
        "Question_id": name,
        "Question Type": kind,
        "Text": text,
        "Answer Choices": list(choices),
        "Ground Truth": truth,
        "Images": [f"{levels[0]}/{name.replace(' ', '_').replace('/', '_')}.jpg"],
        **{f"L{level}-task": of for level, of in enumerate(levels, 1)},
        "Dataset": "made up",
        **more,
    }


def _msearth(name: str, kind: str, query: str, response: str, category: str | None = None) -> Record:
    return {
        "query": query,
        "response": response,
        "images": [f"{name}.png"],
        "subject": "hydrosphere",
        "track_id": "papers/river.pdf",
        "reasoning_chain": ["Step 1: Read the axis.", "Step 2: Compare the months."],
        "question_id": name,
        "caption": "Discharge of a river by month.",
        "title": "A river",
        "classification_result": {"primary_sphere": "Hydrology", "primary_sub_discipline": "Rivers"},
        "vqa_type": {"vqa_type": "Whole figure"} | ({} if category is None else {"question_category": category}),
        "question_type": kind,
    }


def _earthse(number: int, kind: str, question: str, answer: str, task: str) -> Record:
    return {
        "idx": number,
        "question": question,
        "reasoning_chain": "First this, then that.",
        "answer": answer,
        "task": task,
        "sphere": "Cryosphere",
        "subject": "Glaciology",
        "sub_discipline": "Glacier dynamics",
        "format": kind,
    }
