"""What the market says: feeds of bars, their heartbeat, running prices, the market's clock."""
