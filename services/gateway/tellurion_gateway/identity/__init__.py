"""Who asks the gateway, and what was changed for whom."""
