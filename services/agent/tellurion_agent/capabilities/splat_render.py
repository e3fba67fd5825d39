"""Pictures of a file of Gaussians."""

from __future__ import annotations

import shutil

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, FileInput, Option, Returned, named
from tellurion_agent.capabilities.gaussians import MODEL
from tellurion_agent.recipes.recipe import Value
from tellurion_core.errors import InvalidInput

MOST_FRAMES = 200
"""Of one run: each is a file of it."""
COMPONENTS = ("all", "transmitted", "reflected", "depth", "weight", "normal")


def _call(call: Call) -> Returned:
    seen = 0
    for frame in call.client.splat.render(
        call.file("model"), call.file("cameras"), timeout=call.seconds, **call.options
    ):
        if frame.count > MOST_FRAMES:
            raise InvalidInput.of("cameras", received=f"{frame.count} cameras", accepted=f"at most {MOST_FRAMES}")
        path, seen = call.output / f"view-{frame.index:03d}.png", seen + 1
        path.write_bytes(frame.data)
        if frame.index == 0:
            shutil.copyfile(path, call.output / "figure.png")
    return Returned((Value("views rendered", float(seen), "1"),))


CAPABILITY = Capability(
    name="splat.render",
    title="Pictures of a scene of Gaussians",
    phrases=("render scene.ply from cameras.json", "Render the depth of the splat room.spz from transforms.json"),
    asks=(r"\brender\b", r"\bgaussians\b|\bsplats?\b|\bcameras?\b|\bscene\b|\.(?:ply|splat|spz|sog)\b"),
    inputs=(MODEL, FileInput("cameras", "a file of cameras (nerfstudio's transforms.json)", named(".json"))),
    options=(Option("component", "Which component?", options.one_of(COMPONENTS), default="all"),),
    method="One picture from each camera.",
    call=_call,
)
