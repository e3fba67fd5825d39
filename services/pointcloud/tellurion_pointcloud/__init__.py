"""Point clouds and scenes: encoders pre-trained without labels, and what is built on them."""
