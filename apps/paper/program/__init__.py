"""The program ``python -m apps.paper``: its options, and what it does with them."""
