"""What there is to trade, and what is said of it: contracts, chains, scanners, news."""
