"""What calls about scenes of Gaussians take."""

from __future__ import annotations

from tellurion_agent.capabilities.capability import FileInput, holding, named

MODEL = FileInput("model", "a file of Gaussians (.ply, .splat, .spz, .sog)", named(".ply", ".splat", ".spz", ".sog"))
SCENE = FileInput(
    "scene",
    "a folder of photographs with their cameras (transforms.json, or sparse/0)",
    holding("transforms.json", "sparse/0"),
    folder=True,
)
