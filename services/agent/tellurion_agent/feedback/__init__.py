"""What users teach: corrections and recipes, of a tenant and a topic, kept by version."""
