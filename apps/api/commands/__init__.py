"""One file per command: parse, call the desk, hand the result to a view."""
