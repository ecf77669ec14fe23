"""Requests, client to server: a frozen dataclass and a table for each, by topic."""
