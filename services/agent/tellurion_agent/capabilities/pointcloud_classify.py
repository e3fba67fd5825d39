"""Classes of clouds of points, told from examples."""

from __future__ import annotations

import json
from pathlib import Path

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, FileInput, Returned
from tellurion_agent.capabilities.clouds import CLOUDS, ENDING, IS_CLOUD, MODEL
from tellurion_agent.recipes.recipe import Value
from tellurion_client.pointcloud import PointCloudClient
from tellurion_client.pointcloud_files import examples_of


def _call(call: Call) -> Returned:
    examples = examples_of(call.file("examples"))
    known = {path.resolve() for paths in examples.values() for path in paths}
    clouds = [path for path in call.files["clouds"] if path.resolve() not in known]
    client = PointCloudClient(call.client)
    classes = list(client.classify(examples, clouds, timeout=call.seconds, **call.options))
    told = [{"name": path.name, "probabilities": each} for path, each in zip(clouds, classes, strict=True)]
    (call.output / "classes.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    likeliest = [(path.name, *next(iter(each.items()))) for path, each in zip(clouds, classes, strict=True)]
    return Returned(
        tuple(Value(f"class of {name}", label, "") for name, label, _ in likeliest),
        tuple(f"{name} is {label} with probability {probability:.3g}" for name, label, probability in likeliest),
    )


def _has_classes(folder: Path) -> bool:
    """Whether a folder holds two folders of clouds or more."""
    below = [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    return sum(any(map(IS_CLOUD, each.iterdir())) for each in below) >= 2


CAPABILITY = Capability(
    name="pointcloud.classify",
    title="Classes of point clouds, told from examples",
    phrases=(
        "classify the point clouds by the examples in the folder labelled",
        "Classify scan.npy with the folder examples",
    ),
    asks=(r"\bclassify\b", rf"\bpoint clouds?\b|\bscans?\b|\bexamples\b|{ENDING}"),
    inputs=(
        FileInput("examples", "a folder with a folder of clouds for each class", _has_classes, folder=True),
        CLOUDS,
    ),
    options=(MODEL, options.SEED),
    method="Probabilities of the classes of which examples are given, from encodings of the clouds.",
    call=_call,
)
