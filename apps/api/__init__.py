"""The edge: wiring, commands and what the trader sees."""
