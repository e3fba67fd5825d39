"""The agent of Tellurion after EarthLink: plans an analysis, runs it in a sandbox, checks its numbers and reports."""
