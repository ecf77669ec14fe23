"""The Interactive Brokers adapter: the only importer of ib_insync."""
