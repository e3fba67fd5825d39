"""The whole of an object of which one side was seen."""

from __future__ import annotations

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, Returned
from tellurion_agent.capabilities.clouds import CLOUD, ENDING, made_by
from tellurion_agent.recipes.recipe import Value
from tellurion_client.pointcloud import PointCloudClient, cloud_of
from tellurion_client.pointcloud_files import write_completed


def _call(call: Call) -> Returned:
    cloud = cloud_of(call.file("cloud"), seed=call.options["seed"])
    whole = PointCloudClient(call.client).complete(cloud, timeout=call.seconds, **call.options)
    write_completed(call.output / "completed.ply", cloud, whole.added)
    values = (
        Value("points added", float(len(whole.added)), "1"),
        Value("points given", float(len(whole.given)), "1"),
    )
    return Returned(values, by=made_by(whole.source))


CAPABILITY = Capability(
    name="pointcloud.complete",
    title="Completion of a point cloud",
    phrases=("complete the point cloud chair.ply", "Complete scan.npy, of which one side was seen"),
    asks=(r"\bcomplete\b", rf"\bpoint clouds?\b|\bscan\b|{ENDING}"),
    inputs=(CLOUD,),
    options=(options.SEED,),
    method="The points of the cloud, and those that the model adds where none were seen.",
    call=_call,
)
