"""Write the label list of the furniture, data/furniture.json, by the rule of `labels`.

TELLURION_DATA=DATA python -m tellurion_pointcloud.training.labels
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tellurion_core.errors import TellurionError
from tellurion_core.whole_files import write_whole
from tellurion_pointcloud import furniture, labels


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    summary = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="tellurion_pointcloud.training.labels", description=summary)
    parser.add_argument("--data", type=Path, help="folder of the archives (where TELLURION_DATA has them)")
    parser.add_argument("--output", type=Path, default=Path(str(labels.FILE)), help="the committed list")
    given = parser.parse_args(arguments)
    try:
        table = labels.labelled({each.name: (each.title, each.category) for each in furniture.catalogue(given.data)})
    except TellurionError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    write_whole(given.output, labels.written(table).encode())
    for kind, count in sorted(Counter(label.kind for label in table.values()).items()):
        print(f"{kind}: {count}")


if __name__ == "__main__":
    main()
