"""Render the scenes with their truth, each into a folder of its own.

    python -m tellurion_splat.training.scenes FOLDER [--scene NAME …] [--samples 128]

Needs `tellurion-splat[scenes]`. Stopped at any moment and started again, it goes on with the next face or view; the
same command gives the same files whatever the number of threads.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from tellurion_core.errors import TellurionError
from tellurion_splat.training.scenes.album import Album, Settings
from tellurion_splat.training.scenes.renderer import use_threads
from tellurion_splat.training.scenes.rooms import SCENES

HELP = {
    "views": "cameras on the arc, every 8th held out, the first among them",
    "width": "of a view, pixels",
    "height": "of a view, pixels",
    "samples": "a pixel of a view, drawn in two halves whose difference is the noise",
    "light_samples": "a texel of the light on a face",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_splat.training.scenes", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the scenes' folders go")
    parser.add_argument(
        "--scene", action="append", choices=list(SCENES), help="one of them; may be given again; default: all"
    )
    parser.add_argument("--light", type=Path, help="where the light of each scene is kept; default: FOLDER/light")
    parser.add_argument("--threads", type=int, help="default: all cores")
    for field in fields(Settings):
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=field.default, help=f"{HELP[field.name]} (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        settings = Settings(**{field.name: getattr(given, field.name) for field in fields(Settings)})
        use_threads(given.threads)
        for name in given.scene or SCENES:
            album, begin = Album(given.folder / name, name, settings), time.monotonic()
            if not album.complete:
                light = (given.light or given.folder / "light") / f"{name}-{settings.light_samples}"
                album.fill(light, lambda done, message, name=name: _say(f"{name}: {message}, {done:.0%}"))
            _say(f"{name}: complete, noise floor {album.noise_floor:.1f} dB, {time.monotonic() - begin:.0f} s\n")
    except TellurionError as error:
        print(f"\n{error.message}", file=sys.stderr)
        return error.exit_code
    return 0


def _say(line: str) -> None:
    print(f"\r{line:<60}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
