"""Diagnostics of the Earth system as pure functions on labelled arrays; no files, no plans."""
