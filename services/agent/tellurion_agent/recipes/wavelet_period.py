"""Which periods has a series, and when?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.spectra import wavelet
from tellurion_agent.recipes.asked import SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE, bounded
from tellurion_agent.recipes.dominant_period import PERIOD_SLOTS, answer, at_peak, series_for_spectrum
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The dominant period of the global wavelet spectrum, and the power over time and period."""
    notes: Notes = []
    series, length, what = series_for_spectrum(inputs, slots, notes)
    found = wavelet(series.values, length)
    told = found.scalogram[: found.period.size]
    along = {"scale": ("scale", found.period, {"units": "years", "long_name": "period"}), "time": series.time}
    scalogram = xr.DataArray(told, coords=along, dims=("scale", "time"))
    notes.append("Power is divided by scale and averaged outside the cone of influence.")
    return answer(
        found, what, "Global wavelet spectrum", notes, scalogram=written(scalogram, "wavelet power over variance", "1")
    )


RECIPE = Recipe(
    name="wavelet_period",
    title="Dominant period by wavelets",
    phrases=(
        "Wavelet analysis of the Niño 3.4 index",
        "what is the dominant ENSO period from a wavelet transform",
        "Morlet wavelet power spectrum of sea surface temperature",
        "global wavelet spectrum of the SOI",
        "does the period of El Niño change over time; use wavelets",
        "continuous wavelet transform of rainfall in the Sahel",
        "time-frequency analysis of global temperature",
        "periodicity by wavelet with cone of influence",
        "dominant periodicity of El Niño by CWT, in years",
        "ENSO period by wavelet",
    ),
    slots=PERIOD_SLOTS,
    inputs=SERIES_INPUTS,
    method=(
        "Morlet wavelet (ω₀ = 6), twelve scales to an octave, of the area mean without seasonal cycle and trend; power "
        "divided by scale; mean over the times outside the cone of influence; significance against red noise of "
        "the same "
        "lag-1 autocorrelation."
    ),
    references=(
        "Torrence, C., and G. P. Compo, 1998: A practical guide to wavelet analysis. Bull. Am. Meteorol. Soc., "
        "79, 61–78.",
        "Liu, Y., et al., 2007: Rectification of the bias in the wavelet power spectrum. J. Atmos. Oceanic "
        "Technol., 24, 2093–2102.",
    ),
    compute=compute,
    plot=lines("power", "red", logarithmic=True),
    checks=(FINITE, bounded(0.0, 1e4), Check("no local maximum of the spectrum is higher", at_peak)),
)
