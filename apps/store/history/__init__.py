"""Bars on disk: Parquet files, one for each series and exchange day, and a catalogue of them.

`store` is what others use; `catalogue` knows which files there are and what they cover, `bar_file`
is the form of a file, `parts` says which bars share one, `writing` brings files into place and
takes them out. `verification` looks for what is wrong, `import_file` and `export_file` are for
other programs' files.
"""
