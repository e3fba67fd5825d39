"""What one caller may take from the others: connections, places, requests a second."""
