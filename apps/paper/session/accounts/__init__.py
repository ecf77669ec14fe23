"""What a client hears of its accounts: values, positions, profit and loss."""
