"""Which orders are taken, and how they may be changed: tables of IB's rules."""
