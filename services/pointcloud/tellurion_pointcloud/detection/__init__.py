"""Detection of objects in scenes: a set-prediction network, its loss, and average precision."""
