"""The vendor of market data: to whom it gives what, how much, and how often."""
