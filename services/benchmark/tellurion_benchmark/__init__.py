"""Runs and scores models on four Earth-science benchmarks."""
