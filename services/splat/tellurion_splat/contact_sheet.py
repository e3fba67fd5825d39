"""A picture of what a model shows: all components of some held-out views, each beside its photograph.

python -m tellurion_splat.contact_sheet scene.ply SCENE_DIR -o sheet.png [--views 3]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tellurion_core.errors import TellurionError
from tellurion_core.whole_files import placed
from tellurion_splat.frames import COMPONENTS, png
from tellurion_splat.rendering import seen, shown
from tellurion_splat.splats import Splats
from tellurion_splatting import Scene, read_gaussians, read_scene

GAP, TITLE = 4, 16
"""Pixels between pictures, and above them for what they are."""


def contact_sheet(splats: Splats, scene: Scene, views: int = 3) -> Image.Image:
    """A row a view, spread over those that are held out, and a column for the photograph and each of COMPONENTS."""
    held_out = np.flatnonzero(scene.held_out)
    rows = held_out[np.unique(np.linspace(0, len(held_out) - 1, views).round().astype(int))]
    width, height = scene.size
    titles = ("photograph", *COMPONENTS)
    sheet = Image.new("RGB", (len(titles) * (width + GAP) - GAP, TITLE + len(rows) * (height + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for column, title in enumerate(titles):
        draw.text((column * (width + GAP), 0), title, fill="black", font=font)
    for line, row in enumerate(rows):
        components = seen(splats, scene.cameras, int(row), normals=True)
        pictures = [(scene.image(int(row)), "all"), *((shown(components, name), name) for name in COMPONENTS)]
        for column, picture in enumerate(pictures):
            place = column * (width + GAP), TITLE + line * (height + GAP)
            sheet.paste(Image.open(BytesIO(png(*picture))).convert("RGB"), place)
    return sheet


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_splat.contact_sheet", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="of a fit, a PLY")
    parser.add_argument("scene", type=Path, help="folder of the scene")
    parser.add_argument("-o", "--output", type=Path, required=True, help="PNG to write")
    parser.add_argument("--views", type=int, default=3, help="at most so many (%(default)s)")
    given = parser.parse_args(arguments)
    if given.views < 1:
        parser.error(f"argument --views: received {given.views}; accepted: 1 or more")
    try:
        sheet = contact_sheet(Splats.of(read_gaussians(given.model)), read_scene(given.scene), given.views)
        with placed(given.output) as place:
            sheet.save(place, "PNG")
    except OSError as error:
        parser.error(f"argument -o: received {given.output}: {error.strerror}; accepted: a file in a writable folder")
    except TellurionError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
