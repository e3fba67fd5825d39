"""Objects in scenes of points."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, Option, Returned
from tellurion_agent.capabilities.clouds import CLOUD, ENDING, made_by
from tellurion_agent.recipes.recipe import Value
from tellurion_client.pointcloud import PointCloudClient


def _call(call: Call) -> Returned:
    found = PointCloudClient(call.client).detect(call.file("cloud"), timeout=call.seconds, **call.options)
    written = {"points": found.points, "boxes": [asdict(box) for box in found.boxes]}
    (call.output / "boxes.json").write_text(json.dumps(written), encoding="utf-8")
    kinds = sorted(Counter(box.label for box in found.boxes).items())
    values = (
        Value("objects found", float(len(found.boxes)), "1"),
        *(Value(f"objects found that are {label}", float(number), "1") for label, number in kinds),
    )
    return Returned(values, by=made_by(found.source))


CAPABILITY = Capability(
    name="pointcloud.detect",
    title="Objects in a scene of points",
    phrases=("detect the furniture in room.ply", "Find the objects in the scan room.npz with a min score of 0.5"),
    asks=(
        r"\b(?:detect|find|locate|how many)\b",
        r"\b(?:furniture|objects|chairs|tables|beds|sofas)\b",
        rf"\b(?:room|scene|scan|point cloud)\b|{ENDING}",
    ),
    inputs=(CLOUD,),
    options=(
        Option("min_score", "How sure at least, 0 to 1?", options.part("score", "sure"), default=0.5),
        options.SEED,
    ),
    method="Boxes around objects, in metres with z up, each with its class and how sure the detector is.",
    call=_call,
)
