"""The pure exchange: matching, brackets and OCA, fees, order rules."""
