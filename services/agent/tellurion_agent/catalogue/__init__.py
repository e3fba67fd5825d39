"""The data library: what the files in folders hold, found by variable, model, experiment and period."""
