"""What a file of Gaussians is."""

from __future__ import annotations

from tellurion_agent.capabilities.capability import Call, Capability, Returned
from tellurion_agent.capabilities.gaussians import MODEL
from tellurion_agent.recipes.recipe import Value


def _call(call: Call) -> Returned:
    model = call.client.splat.describe_model(call.file("model"), timeout=call.seconds)
    corners = {"least": model.least, "greatest": model.greatest}
    box = [
        Value(f"{which} {axis} of the centres", at, "1")
        for which, corner in corners.items()
        for axis, at in zip("xyz", corner, strict=False)  # without Gaussians there is none
    ]
    reflected = model.reflected_sh_degree
    return Returned(
        (
            Value("Gaussians", float(model.gaussians), "1"),
            Value("degree of the spherical harmonics of the colour", float(model.sh_degree), "1"),
            *([] if reflected is None else [Value("degree of those of the reflection", float(reflected), "1")]),
            *box,
        ),
        ("it has a reflection of its own",) if reflected is not None else (),
    )


CAPABILITY = Capability(
    name="splat.describe",
    title="What a scene of Gaussians is",
    phrases=(
        "what is in scene.ply (Gaussians)",
        "How many Gaussians does room.splat have?",
        "describe splat a.spz",
    ),
    asks=(
        r"\b(?:what(?:'s| is| are)? in|what(?:'s| is)|describe|how many|how large)\b",
        r"\bgaussians\b|\bsplats?\b|\bgaussian splatting\b|\.(?:splat|spz|sog)\b",
    ),
    inputs=(MODEL,),
    options=(),
    method="The number of Gaussians, the degrees of their colours and the box of their centres, in the file's units.",
    call=_call,
)
