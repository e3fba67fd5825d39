"""What every service of Tellurion stands on, and nothing of any science; see the modules."""
