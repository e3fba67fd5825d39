"""Pictures of the console for the README: its pages on real data, light, dark and narrow.

python tests/services/gateway/console/screenshots.py services/gateway/docs
"""

from __future__ import annotations

import io
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

if __name__ == "__main__":  # as a command it belongs to no package, yet imports as the tests do
    sys.path.insert(0, str(Path(__file__).parents[1]))
    __package__ = "console"

from .installation import Site, site
from .visit import NARROW, WIDE, Visit, browser, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent


def main(out: Path) -> None:
    """Starts a platform and takes its pictures."""
    sys.path.insert(0, str(HERE.parents[2] / "e2e"))
    from demo import self_signed

    with TemporaryDirectory() as folder:
        certificate, key = self_signed(Path(folder))
        with site(Path(folder) / "state", certificate, key) as here, browser() as started:
            take(started, here, out)


def take(started: Browser, here: Site, out: Path, *, only: tuple[str, ...] = ()) -> None:
    """Writes `<page>-light.png`, `-dark` and `-narrow` of each page at the end of its story."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(HERE.glob("stories/*.py")):
        if only and path.stem not in only:
            continue
        told = import_module(f".stories.{path.stem}", __package__)
        with visit(started, here) as reader:
            reader.sign_in()
            reader.turn_to(told.TITLE)
            told.story(reader)
            for kind, colours, size in (("light", "light", WIDE), ("dark", "dark", WIDE), ("narrow", "light", NARROW)):
                reader.page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
                reader.page.set_viewport_size(size)  # type: ignore[arg-type]
                picture(reader, out / f"{path.stem}-{kind}.png")


def picture(reader: Visit, path: Path) -> None:
    reader.page.mouse.move(0, 0)
    reader.page.evaluate("scrollTo(0, 0)")
    reader.page.wait_for_timeout(500)  # what has other colours or another size is drawn again
    taken = Image.open(io.BytesIO(reader.page.screenshot()))
    taken.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)  # a third of the bytes; nobody sees it


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "services/gateway/docs"))
