"""What we count with, held against what the broker says."""
