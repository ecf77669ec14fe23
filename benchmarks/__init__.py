"""Benchmarks of the desk and of the paper gateway: ``python -m benchmarks --help``.

Nothing here asserts a time. Each module measures one thing, beside a floor of the same run, and
gives a `benchmarks.figures.Report`.
"""
