"""Data assimilation: an analysis with its uncertainty from a background and observations."""
