"""What outlives the desk: its journal."""
