"""Four scenes with a surface that reflects, rendered by Mitsuba with the truth beside every photograph.

    python -m tellurion_splat.training.scenes FOLDER

`rooms` says what stands where, `light` finds the light on it, `studio` photographs it, `cloud` stands in for structure
from motion, and `album` writes the folders that fits read.
"""
