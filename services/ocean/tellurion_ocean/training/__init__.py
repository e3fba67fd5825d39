"""How the shipped data and hyperparameters were made; each module is a command."""
