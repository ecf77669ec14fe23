"""The watchers of a desk, and what is kept of them."""
