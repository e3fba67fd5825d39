"""Which class a furniture model is of, which near-duplicates it has, and the fold that it is held out in.

data/furniture.json holds what this rule gives; `python -m tellurion_pointcloud.training.labels` writes it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from importlib.resources import files

FOLDS = 5
FILE = files("tellurion_pointcloud") / "data" / "furniture.json"

ROOMS = frozenset({"Bathroom", "Bedroom", "Exterior", "Kitchen", "Living room", "Miscellaneous", "Office"})


@dataclass(frozen=True)
class Rule:
    """What the titles of a class's models say."""

    words: frozenset[str]
    """One of them is in the title."""
    categories: frozenset[str]
    """The catalogue lists the model under one of these."""
    never: frozenset[str] = frozenset()
    """None of them is in the title."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _rule(words: str, categories: Iterable[str], never: str = "") -> Rule:
    return Rule(_words(words), frozenset(categories), _words(never))


RULES: Mapping[str, Rule] = {
    "door": _rule("door", {"Doors and windows"}, "elevator"),
    "window": _rule("window", {"Doors and windows"}),
    "person": _rule("male female boy girl", {"Characters"}),
    "vehicle": _rule(
        "bicycle bike bus car chevrolet sedan focus peugeot renault suv scooter leon tricycle truck van beetle yamaha",
        {"Vehicles"},
    ),
    "lamp": _rule("chandelier lamp lamppost lantern light lights spotlight", {"Lights"}),
    "plant": _rule(
        "acacia bamboo beech bush cactus cypress ficus flower flowers hedge lily maple orchids palm pine plant poplar "
        "spathiphyllum tree tulips yucca blossom",
        ROOMS,
    ),
    "sofa": _rule("couch sofa", ROOMS),
    "bed": _rule("bed crib futon", ROOMS),
    "chair": _rule("armchair chair seat stool", ROOMS, "ottoman"),
    "cabinet": _rule("bookcase cabinet cupboard drawers locker shelves wardrobe", ROOMS),
    "table": _rule("desk table", {"Exterior", "Kitchen", "Living room", "Office"}),
}
"""By class; the first that fits counts."""

SAME: Mapping[str, frozenset[str]] = {
    "beigesofa": _words("beigesofaseats"),
    "cabinet": _words("drawerscabinet glassdoorcabinet lowercabinet smalluppercabinet uppercabinet"),
    "chair": _words("cafesettononchair"),
    "coconuttree": _words("coconuttreebended"),
    "conceptsedan": _words("conceptsedansport"),
    "convertiblesofa": _words("convertiblesofabzclosed convertiblesofabzopened"),
    "cornercabinet": _words("lowercornercabinet uppercornercabinet"),
    "doubledoor": _words("doubledoorwithlittlepart"),
    "hedge": _words("hedgetextured highhedge"),
    "kitchencabinet": _words(
        "kitchendrawerscabinet kitchenglassdoorcabinet kitchenlowercabinet kitchensmalllowercabinet "
        "kitchensmalluppercabinet kitchenuppercabinet"
    ),
    "pine": _words("bluepinesnow pinesnow"),
    "table": _words(
        "childrentable desktable metalglasstable whitekitchentable woodenofficealdertable woodenofficepeartable "
        "woodenofficepeartablerect woodenofficeteaktable"
    ),
    "window": _words("windowmediumwithlargepane windowregular"),
}
"""Base names of what is one thing by its shape: makes of one model, and those whose surfaces nearly coincide where each
side of the box is 1 (most within 0.03 in CD-L1)."""


@dataclass(frozen=True)
class Label:
    """What is known of a labelled model."""

    title: str
    """Its name in the catalogue."""
    category: str
    """Its category in the catalogue."""
    kind: str
    """Its class, one of `CLASSES`."""
    group: str
    """Shared by near-duplicates."""
    fold: int
    """0…4, in which its whole group is held out."""


CLASSES = tuple(sorted(RULES))


def class_of(title: str, category: str) -> str:
    """The class of a model, by its title and its catalogue's category; '' where no rule fits."""
    words = set(re.findall(r"[a-z]+", title.lower()))
    for kind, rule in RULES.items():
        if words & rule.words and category in rule.categories and not words & rule.never:
            return kind
    return ""


def group_of(name: str) -> str:
    """The group of near-duplicates of a model: its archive's name for it without numbers ("Scopia#chair3": chair)."""
    words = re.findall(r"[a-z]+", name.rpartition("#")[2].lower())
    base = "".join(word for word in words if len(word) > 1)
    return next((group for group, names in SAME.items() if base in names), base)


def labelled(catalogue: Mapping[str, tuple[str, str]]) -> dict[str, Label]:
    """The labels of those models of a catalogue, title and category by name, that a rule fits.

    Whole groups go to the fold that has the fewest of their class, the largest group first.
    """
    classes = {name: class_of(*catalogue[name]) for name in sorted(catalogue)}
    groups: dict[tuple[str, str], list[str]] = {}
    for name, kind in classes.items():
        if kind:
            groups.setdefault((kind, group_of(name)), []).append(name)
    folds: dict[str, int] = {}
    sizes: Counter[tuple[str, int]] = Counter()
    for (kind, group), names in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        if group not in folds:
            folds[group] = min(range(FOLDS), key=lambda fold: (sizes[kind, fold], sizes["", fold], fold))
        for each in (kind, ""):
            sizes[each, folds[group]] += len(names)
    return {
        name: Label(*catalogue[name], kind, group_of(name), folds[group_of(name)])
        for name, kind in classes.items()
        if kind
    }


LABELS: Mapping[str, Label] = {name: Label(*row) for name, row in json.loads(FILE.read_text()).items()}
"""The committed ones, by the models' names."""
_FOLDS: Mapping[str, int] = {label.group: label.fold for label in LABELS.values()}


def fold_of(group: str) -> int:
    """The fold in which a group is held out; −1 for one that has no labelled model.

    Only what is in no fold may be trained on where all labelled models are judged.
    """
    return _FOLDS.get(group, -1)


def written(table: Mapping[str, Label]) -> str:
    """The text of data/furniture.json: a line of title, category, class, group and fold for each model."""
    rows = (f"{json.dumps(name)}: {json.dumps(list(astuple(label)))}" for name, label in sorted(table.items()))
    return "{\n" + ",\n".join(rows) + "\n}\n"
