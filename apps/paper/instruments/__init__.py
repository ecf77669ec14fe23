"""Instruments: listings, the catalogue of them, and the chains that are made on demand."""
