"""What may be sent: the gate, the trading state, and the book that both judge by."""
