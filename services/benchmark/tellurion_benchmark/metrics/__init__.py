"""Metrics of text, each from the library that the benchmarks' own authors call; where one cannot be had, why."""
