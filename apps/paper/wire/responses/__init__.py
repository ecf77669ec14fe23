"""Responses, server to client: a frozen dataclass and a table for each, by topic."""
