"""Long work: jobs whose SQL row is the truth, claimed, run in a subprocess each, and followed as operations."""
