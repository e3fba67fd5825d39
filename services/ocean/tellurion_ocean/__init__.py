"""Ocean reconstruction: the temperature of the whole ocean from sparse observations, with its uncertainty."""
