"""Which periods has a series, by its spectrum?"""

from __future__ import annotations

from tellurion_agent.diagnostics.spectra import periodogram
from tellurion_agent.recipes.asked import SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE, bounded
from tellurion_agent.recipes.dominant_period import PERIOD_SLOTS, answer, at_peak, series_for_spectrum
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The period of the highest peak, and whether red noise would reach it."""
    notes: Notes = []
    series, length, what = series_for_spectrum(inputs, slots, notes)
    return answer(periodogram(series.values, length), what, "Power spectrum", notes)


RECIPE = Recipe(
    name="spectrum_peak",
    title="Dominant period by the power spectrum",
    phrases=(
        "Power spectrum of the Southern Oscillation Index",
        "at what period does the spectrum of Niño 3.4 peak",
        "spectral analysis of sea surface temperature",
        "Fourier spectrum of North Atlantic temperature with red noise significance",
        "dominant periodicity of rainfall over India",
        "periodogram of global mean temperature",
        "Welch spectrum of sea level pressure over Iceland",
        "main period of the SOI by spectral analysis",
        "dominant period of a series in years, from its spectrum",
        "is there a quasi-biennial peak in the equatorial winds",
    ),
    slots=PERIOD_SLOTS,
    inputs=SERIES_INPUTS,
    method=(
        "Spectrum of the area mean without seasonal cycle and trend, in Hann-tapered pieces of two thirds that "
        "overlap by half, "
        "compared with the 95 % quantile of red noise of the same variance and lag-1 autocorrelation."
    ),
    references=(
        "Welch, P. D., 1967: The use of fast Fourier transform. IEEE Trans. Audio Electroacoust., 15, 70–73.",
        "Gilman, D. L., et al., 1963: On the power spectrum of red noise. J. Atmos. Sci., 20, 182–184.",
    ),
    compute=compute,
    plot=lines("power", "red", logarithmic=True),
    checks=(FINITE, bounded(0.0, 1e4), Check("no local maximum of the spectrum is higher", at_peak)),
)
