"""Encodings of clouds of points."""

from __future__ import annotations

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, Returned
from tellurion_agent.capabilities.clouds import CLOUDS, ENDING, MODEL, made_by
from tellurion_agent.recipes.recipe import Value
from tellurion_client.pointcloud import PointCloudClient
from tellurion_client.pointcloud_files import NamedClouds, write_encodings


def _call(call: Call) -> Returned:
    clouds = NamedClouds(call.files["clouds"], call.options["seed"])
    encodings = list(PointCloudClient(call.client).encode(clouds, timeout=call.seconds, **call.options))
    names = [name.rpartition("/")[2] for name in clouds.names]
    shapes = write_encodings(call.output / "encodings.npz", encodings, names)
    values = (
        Value("clouds encoded", float(len(encodings)), "1"),
        Value("numbers of an embedding", float(shapes["embedding"][1]), "1"),
        Value("tokens of a cloud", float(shapes["tokens"][1]), "1"),
    )
    return Returned(values, by=made_by(encodings[0].source))


CAPABILITY = Capability(
    name="pointcloud.encode",
    title="Encodings of point clouds",
    phrases=("encode the clouds in this folder", "Embed the scans a.las and b.las with gaussian2scene"),
    asks=(r"\b(?:encode|embed)\b", rf"\b(?:clouds?|scans?|points?|mesh(?:es)?|objects?)\b|{ENDING}"),
    inputs=(CLOUDS,),
    options=(MODEL, options.SEED),
    method="An embedding of each cloud, and tokens of its patches with their centres; scans of more than 2²⁰ points in "
    "tiles.",
    call=_call,
)
