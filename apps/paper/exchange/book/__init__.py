"""The order book and what is kept beside it, so that nothing grows with it."""
