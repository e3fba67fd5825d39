"""Compiled loops over Gaussians, tiles and pixels, on NumPy arrays.

Inner loops read single elements and no rows: a row is an array of its own, whose references numba counts.
"""

from __future__ import annotations

from tellurion_core.kernels import compiled

kernel = compiled(nogil=True, error_model="numpy")
"""Compiles a function that runs beside others, and in which dividing by zero is as IEEE 754 has it."""
