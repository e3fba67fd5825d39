"""The parts of the Earth that a request may name, and which cells lie in them."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import numpy as np
import xarray as xr

from tellurion_agent.slots import Region

GLOBAL = Region("global")

_ROWS: tuple[tuple[Region, str], ...] = (
    (GLOBAL, "globe, world, worldwide, the earth, earth, planet, global mean, globally, everywhere, whole globe"),
    (Region("global land", surface="land"), "land, over land, all land, continents, land surface, terrestrial"),
    (Region("global ocean", surface="ocean"), "ocean, oceans, over ocean, world ocean, the sea, global oceans, "
        "all oceans"),
    # Bands
    (Region("Northern Hemisphere", 0, 90), "NH, north hemisphere, northern half"),
    (Region("Southern Hemisphere", -90, 0), "SH, south hemisphere, southern half"),
    (Region("tropics", -23.5, 23.5), "tropical, tropical belt, tropical band, the tropics"),
    (Region("deep tropics", -10, 10), "equatorial, equatorial belt, equatorial band"),
    (Region("northern extratropics", 23.5, 90), "northern extra-tropics, NH extratropics"),
    (Region("southern extratropics", -90, -23.5), "southern extra-tropics, SH extratropics"),
    (Region("northern midlatitudes", 30, 60), "northern mid-latitudes, NH midlatitudes, midlatitudes of the north"),
    (Region("southern midlatitudes", -60, -30), "southern mid-latitudes, SH midlatitudes"),
    (Region("near-global ocean", -60, 60, surface="ocean"), "60S-60N ocean, quasi-global ocean"),
    (Region("Arctic", 66.5, 90), "the arctic, north polar region, arctic circle, north pole region"),
    (Region("Antarctic", -90, -66.5), "the antarctic, south polar region, antarctic circle, south pole region"),
    (Region("Antarctica", -90, -60, surface="land"), "antarctic continent, antarctic ice sheet"),
    # The equatorial Pacific (CPC)
    (Region("Niño 3.4", -5, 5, 190, 240), "nino 3.4, nino3.4, nino34, niño3.4, nino-3.4, niño-3.4, nino 34, enso "
        "region"),
    (Region("Niño 3", -5, 5, 210, 270), "nino 3, nino3, niño3, nino-3, niño-3"),
    (Region("Niño 4", -5, 5, 160, 210), "nino 4, nino4, niño4, nino-4, niño-4"),
    (Region("Niño 1+2", -10, 0, 270, 280), "nino 1+2, nino1+2, niño1+2, nino 12, nino12, nino 1 2"),
    # Oceans: coast to coast in a box; the field's missing values or a land mask are the coast
    (Region("Pacific Ocean", -60, 60, 120, 285, "ocean"), "pacific, the pacific, pacific basin"),
    (Region("North Pacific", 0, 60, 120, 260, "ocean"), "north pacific ocean, northern pacific"),
    (Region("South Pacific", -60, 0, 150, 290, "ocean"), "south pacific ocean, southern pacific"),
    (Region("tropical Pacific", -20, 20, 120, 280, "ocean"), "equatorial pacific, tropical pacific ocean"),
    (Region("Pacific warm pool", -10, 10, 120, 170, "ocean"), "warm pool, western pacific warm pool, west "
        "pacific warm pool"),
    (Region("Atlantic Ocean", -60, 65, 290, 380, "ocean"), "atlantic, the atlantic, atlantic basin"),
    (Region("North Atlantic", 0, 65, 280, 360, "ocean"), "north atlantic ocean, northern atlantic"),
    (Region("South Atlantic", -60, 0, 290, 380, "ocean"), "south atlantic ocean, southern atlantic"),
    (Region("tropical Atlantic", -20, 20, 300, 375, "ocean"), "equatorial atlantic, tropical atlantic ocean"),
    (Region("main development region", 10, 20, 280, 340, "ocean"), "MDR, hurricane main development region"),
    (Region("AMV region", 0, 60, 280, 360, "ocean"), "amv, amo, amv box, amo region, atlantic multidecadal region"),
    (Region("subpolar North Atlantic", 45, 60, 310, 340, "ocean"), "subpolar gyre, warming hole, cold blob, "
        "north atlantic subpolar"),
    (Region("Indian Ocean", -40, 30, 40, 115, "ocean"), "indian basin, the indian ocean"),
    (Region("tropical Indian Ocean", -20, 20, 40, 110, "ocean"), "equatorial indian ocean"),
    (Region("IOD west", -10, 10, 50, 70, "ocean"), "western indian ocean, west iod box, iod western pole, iod "
        "west box"),
    (Region("IOD east", -10, 0, 90, 110, "ocean"), "eastern indian ocean, southeastern indian ocean, east iod "
        "box, iod eastern pole"),
    (Region("Southern Ocean", -90, -50, surface="ocean"), "the southern ocean, antarctic ocean, circumpolar ocean"),
    (Region("Arctic Ocean", 66.5, 90, surface="ocean"), "the arctic ocean"),
    (Region("Mediterranean Sea", 30, 46, 354, 397, "ocean"), "med sea"),
    (Region("Gulf of Mexico", 18, 31, 262, 279, "ocean"), "gulf of america"),
    (Region("Caribbean Sea", 9, 22, 272, 300, "ocean"), "caribbean"),
    (Region("Arabian Sea", 5, 25, 50, 77, "ocean"), ""),
    (Region("Bay of Bengal", 5, 23, 80, 100, "ocean"), ""),
    (Region("South China Sea", 0, 23, 105, 121, "ocean"), ""),
    (Region("North Sea", 51, 61, 356, 370, "ocean"), ""),
    (Region("Labrador Sea", 52, 65, 295, 315, "ocean"), ""),
    (Region("Greenland-Iceland-Norwegian Seas", 62, 80, 325, 380, "ocean"), "nordic seas, gin seas, norwegian "
        "sea, greenland sea"),
    (Region("Barents Sea", 68, 80, 20, 60, "ocean"), "barents-kara sea, barents and kara seas"),
    (Region("Weddell Sea", -78, -60, 300, 340, "ocean"), ""),
    (Region("Kuroshio Extension", 30, 40, 140, 170, "ocean"), "kuroshio"),
    (Region("Gulf Stream", 33, 45, 282, 310, "ocean"), "gulf stream region"),
    # Continents and countries, as boxes
    (Region("North America", 15, 75, 190, 310), "northern america, north american, the north american continent"),
    (Region("contiguous United States", 24.5, 49.5, 235, 293.5), "united states, usa, us, conus, america"),
    (Region("Central America", 7, 23, 255, 283), "central american"),
    (Region("South America", -56, 13, 278, 326), "south american"),
    (Region("Europe", 35, 72, 350, 400), "european, the european continent"),
    (Region("northern Europe", 48, 75, 350, 400), "north europe, northern european, scandinavia and northern europe"),
    (Region("Scandinavia", 55, 72, 4, 32), "fennoscandia, scandinavian"),
    (Region("British Isles", 49, 61, 349, 362), "united kingdom, uk, great britain, britain, ireland and britain"),
    (Region("Mediterranean", 30, 45, 350, 400), "mediterranean basin, mediterranean region, the mediterranean"),
    (Region("Africa", -35, 38, 342, 412), "african, the african continent"),
    (Region("Sahara", 18, 30, 345, 395), "the sahara, saharan"),
    (Region("Sahel", 10, 20, 342, 400), "the sahel, sahelian"),
    (Region("West Africa", 4, 20, 342, 375), "western africa, west african"),
    (Region("East Africa", -12, 12, 28, 52), "eastern africa, horn of africa, east african"),
    (Region("southern Africa", -35, -10, 10, 42), "south africa, southern african"),
    (Region("Congo Basin", -6, 6, 12, 30), "congo, central africa, congo rainforest"),
    (Region("Asia", 5, 78, 40, 180), "asian, the asian continent"),
    (Region("South Asia", 5, 35, 60, 100), "southern asia, south asian, indian subcontinent"),
    (Region("India", 7, 35, 68, 97), "indian"),
    (Region("Indian monsoon region", 10, 30, 65, 100), "south asian monsoon region, indian monsoon, monsoon india"),
    (Region("East Asia", 20, 50, 100, 145), "eastern asia, east asian"),
    (Region("China", 18, 54, 73, 135), "chinese"),
    (Region("Japan", 30, 46, 129, 146), "japanese"),
    (Region("Southeast Asia", -10, 20, 95, 155), "south-east asia, southeastern asia, south east asia"),
    (Region("Maritime Continent", -10, 10, 90, 150), "indonesia, indonesian archipelago"),
    (Region("Central Asia", 30, 50, 50, 90), "middle asia, central asian"),
    (Region("Middle East", 12, 42, 30, 63), "near east, western asia, west asia"),
    (Region("Tibetan Plateau", 26, 40, 73, 105), "tibet"),
    (Region("Siberia", 50, 75, 60, 180), "northern asia, north asia, siberian"),
    (Region("Australia", -45, -10, 112, 155), "australian, the australian continent"),
    (Region("New Zealand", -48, -34, 166, 179), ""),
    (Region("Greenland", 59, 84, 286, 350, "land"), "greenland ice sheet"),
    (Region("Alaska", 54, 72, 190, 220), "alaskan"),
    (Region("Canada", 42, 84, 219, 308), "canadian"),
    (Region("Amazon", -15, 5, 285, 310), "amazonia, amazon basin, amazon rainforest, the amazon, amazonian"),
)  # fmt: skip

_SREX = {
    "CGI": ("eastern Canada, Greenland and Iceland", 50, 85, 255, 350),
    "WNA": ("western North America", 28.6, 60, 230, 255),
    "CNA": ("central North America", 28.6, 50, 255, 275),
    "ENA": ("eastern North America", 25, 50, 275, 300),
    "NEB": ("northeastern Brazil", -20, 0, 310, 326),
    "SSA": ("southeastern South America", -56.7, -20, 292, 321),
    "CEU": ("central Europe", 45, 61.3, 350, 400),
    "CAS": ("SREX Central Asia", 30, 50, 60, 75),
    "NAU": ("northern Australia", -30, -10, 110, 155),
    "SAU": ("southern Australia and New Zealand", -50, -30, 110, 180),
}
"""Those of the IPCC's special report on extremes (Seneviratne et al. 2012) that the boxes above do not name."""


def _entries() -> Iterator[tuple[str, Region]]:
    for region, synonyms in _ROWS:
        for name in (region.name, *synonyms.split(", ")):
            if name:
                yield name.casefold(), region
    for abbreviation, (name, south, north, west, east) in _SREX.items():
        region = Region(name, south, north, west, east, shape=abbreviation)
        yield from ((name.casefold(), region), (f"srex {abbreviation}".casefold(), region))


GAZETTEER = MappingProxyType(dict(_entries()))
"""Region by name and synonym, in lower case."""


def named(text: str) -> Region | None:
    """The region of a name or synonym, upper and lower case alike; None when the gazetteer has none."""
    words = " ".join(text.split()).casefold()
    return GAZETTEER.get(words) or GAZETTEER.get(words.removeprefix("the "))


def mask(region: Region, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
    """[lat, lon] whether the centre of each cell lies in a region's box, its edges included, and in its shape.

    Longitudes may be counted from any meridian; the box may cross Greenwich. The surface is not regarded here: where
    land lies is the field's to say.
    """
    north_south = (lat.values >= region.south) & (lat.values <= region.north)
    round_east = np.mod(lon.values - region.west, 360.0)
    width = region.east - region.west
    # A centre on the western edge may come out as 360 − ε of a turn.
    west_east = (round_east <= width + 1e-9) | (round_east >= 360.0 - 1e-9)
    inside = xr.DataArray(np.outer(north_south, west_east), coords={"lat": lat, "lon": lon}, dims=("lat", "lon"))
    return inside & _shape(region.shape, lat, lon) if region.shape else inside


def _shape(abbreviation: str, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
    """[lat, lon] whether the centres lie in an SREX polygon. Raises ValueError for an unknown abbreviation."""
    import regionmask  # slow to import, and few regions are shapes

    srex = regionmask.defined_regions.srex
    if abbreviation not in srex.abbrevs:
        raise ValueError(f"{abbreviation}: not one of {', '.join(srex.abbrevs)}")
    one = srex[[abbreviation]]
    return one.mask_3D(lon.values, lat.values).isel(region=0, drop=True).assign_coords(lat=lat, lon=lon)
