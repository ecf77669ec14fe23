"""The simulated market: a deterministic function of seed, instrument and time."""
