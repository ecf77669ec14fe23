"""What a market is worth now: quotes, depth, ticks."""
