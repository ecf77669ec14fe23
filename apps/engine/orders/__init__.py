"""From an intent to its known outcome: orders are sent, followed, changed, taken back."""
