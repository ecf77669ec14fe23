"""Bars, as they come and as they were."""
