"""What taken orders do: wait, trigger, follow the market, match, and clear."""
