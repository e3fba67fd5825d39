"""What calls about clouds of points take."""

from __future__ import annotations

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import FileInput, Option, named
from tellurion_client.clouds import SUFFIXES
from tellurion_client.pointcloud import ENCODERS
from tellurion_client.pointcloud_results import Provenance

IS_CLOUD = named(*SUFFIXES)
ENDING = rf"\.(?:{'|'.join(suffix.removeprefix('.') for suffix in SUFFIXES)})\b"
"""Of the name of a file, as a regular expression."""
CLOUD = FileInput("cloud", f"a file of a cloud or a mesh ({', '.join(SUFFIXES)})", IS_CLOUD)
CLOUDS = FileInput("clouds", f"files of clouds or meshes ({', '.join(SUFFIXES)})", IS_CLOUD, many=True)
MODEL = Option("model", "By which model?", options.one_of(ENCODERS), default=ENCODERS[0])


def made_by(source: Provenance) -> dict[str, str]:
    """How something was made."""
    return {"method": source.model, "version": source.version, "weights_sha256": source.weights_sha256}
