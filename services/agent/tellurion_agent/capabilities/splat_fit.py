"""Gaussians from photographs."""

from __future__ import annotations

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, Option, Returned
from tellurion_agent.capabilities.gaussians import SCENE
from tellurion_agent.recipes.recipe import Value


def _call(call: Call) -> Returned:
    operation = call.client.splat.submit(
        call.file("scene"), request_id=call.request_id, timeout=call.seconds, **call.options
    )
    call.wait(operation.operation)
    report = operation.awaited(call.output / "model.ply", timeout=call.seconds)
    operation.download(report.preview, call.output / "figure.png", timeout=call.seconds)
    quality = report.psnr_held_out
    told = [] if quality is None else [Value("mean PSNR of the held-out views", quality, "dB")]
    return Returned((*told, Value("Gaussians", float(report.gaussians), "1")), by={"version": report.version})


CAPABILITY = Capability(
    name="splat.fit",
    title="Gaussians fitted to photographs",
    phrases=("fit Gaussians to the scene in lobby", "Train a Gaussian splat on the photographs with 2000 iterations"),
    asks=(r"\b(?:fit|train)\b", r"\bgaussians\b|\bsplats?\b|\bphotograph(?:s|ed)?\b|\bscene\b"),
    inputs=(SCENE,),
    options=(
        Option("mode", "Which mode?", options.one_of(("ref-unlock", "3dgs"))),
        Option("iterations", "How many iterations?", options.whole("iterations", "steps")),
        options.SEED,
    ),
    method="Gaussians whose pictures are those of the photographs; every eighth view is held out and scored.",
    call=_call,
)
