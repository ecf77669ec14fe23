"""`gateway start`: having TWS or IB Gateway up, and knowing when it takes clients."""
