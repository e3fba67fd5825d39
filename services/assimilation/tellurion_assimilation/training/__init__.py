"""How the shipped data and weights were made; each module is a command."""
