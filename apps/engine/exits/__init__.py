"""How what is held is closed, and kept protected until then."""
