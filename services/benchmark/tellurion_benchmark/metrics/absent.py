"""Metrics that the benchmarks have and that cannot be computed anywhere from packages alone, with the reason."""

BERTSCORE = "its language model comes in no package"
SPICE = "its scene-graph parser comes in no package"
