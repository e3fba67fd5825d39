"""Where scripts run: with the files they need, and nothing else."""
