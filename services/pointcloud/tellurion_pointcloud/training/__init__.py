"""How the shipped weights were made: each file a command."""
