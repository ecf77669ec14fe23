"""Orders: read, placed, told."""
