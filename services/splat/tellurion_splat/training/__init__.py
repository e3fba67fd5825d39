"""How the shipped data were made; each package or module is a command."""
