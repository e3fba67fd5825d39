"""Who calls the gateway, what it may do, and what is kept of what it did."""
