"""What the platform's other services can do for a request, one file each."""
