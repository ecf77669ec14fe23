"""Async orchestration: feeds, watchers, execution. Imports the domain only."""
