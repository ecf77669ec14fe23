"""Loading bars of the past into the store: what is missing, and no more."""
