"""The trading rules themselves: pure, synchronous, standard library only."""
