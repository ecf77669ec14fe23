"""Breakout Desk: an async trading terminal for Interactive Brokers."""
