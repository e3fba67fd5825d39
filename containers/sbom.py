"""A CycloneDX bill of materials of an image: its Python distributions and its Debian packages.

    python sbom.py IMAGE SITE_FOLDER... > /usr/share/sbom/IMAGE.cdx.json

It has no date and no random number, so that equal images have equal ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import distributions
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

DPKG = Path("/var/lib/dpkg/status")
RELEASE = Path("/etc/os-release")
LONGEST_LICENSE = 200
"""Characters; some distributions have the whole text where its name belongs."""


def python_components(folders: list[str]) -> Iterator[Component]:
    """The distributions that are installed in these folders."""
    licenses = LicenseFactory()
    for distribution in distributions(path=folders):
        metadata: Message = distribution.metadata  # type: ignore[assignment]
        name, version = str(metadata["Name"]), distribution.version
        stated = metadata.get("License-Expression") or metadata.get("License")
        url = PackageURL("pypi", name=name.lower().replace("_", "-"), version=version)
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            purl=url,
            bom_ref=str(url),
            description=metadata.get("Summary"),
            licenses=[licenses.make_from_string(stated)] if stated and len(stated) <= LONGEST_LICENSE else [],
        )


def debian_components() -> Iterator[Component]:
    """The installed packages of Debian."""
    release = dict(line.split("=", 1) for line in RELEASE.read_text().splitlines() if "=" in line)
    distro = "debian-" + release["VERSION_ID"].strip('"')
    for paragraph in DPKG.read_text(encoding="utf-8").strip().split("\n\n"):
        package = HeaderParser().parsestr(paragraph)
        if package["Status"] != "install ok installed":
            continue
        name, version = package["Package"], package["Version"]
        qualifiers = {"arch": package["Architecture"], "distro": distro}
        url = PackageURL("deb", "debian", name, version, qualifiers)
        yield Component(type=ComponentType.LIBRARY, name=name, version=version, purl=url, bom_ref=str(url))


def main(image: str, *folders: str) -> None:
    """Prints the bill of materials as JSON."""
    components = [*python_components(list(folders)), *debian_components()]
    urls = sorted(str(component.purl) for component in components)
    bom = Bom(components=components, serial_number=uuid5(NAMESPACE_URL, " ".join((image, *urls))))
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.metadata.component = Component(type=ComponentType.CONTAINER, name=image, bom_ref=image)
    bom.register_dependency(bom.metadata.component, components)
    print(JsonV1Dot6(bom).output_as_string(indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
