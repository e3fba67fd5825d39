"""Who asks the gateway."""
