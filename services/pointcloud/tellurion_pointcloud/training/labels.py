"""Write the label list of the furniture, data/furniture.json, by the rule of `labels`.

TELLURION_DATA=DATA python -m tellurion_pointcloud.training.labels
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tellurion_core.whole_files import write_whole
from tellurion_pointcloud import furniture, labels
from tellurion_pointcloud.training import command


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.parser_of("labels", __doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the archives (where TELLURION_DATA has them)")
    parser.add_argument("--output", type=Path, default=Path(str(labels.FILE)), help="the committed list")
    command.run(parser, _make, arguments)


def _make(given: argparse.Namespace) -> None:
    table = labels.labelled({each.name: (each.title, each.category) for each in furniture.catalogue(given.data)})
    write_whole(given.output, labels.written(table).encode())
    for kind, count in sorted(Counter(label.kind for label in table.values()).items()):
        print(f"{kind}: {count}")


if __name__ == "__main__":
    main()
