"""The command `tellurion`."""
