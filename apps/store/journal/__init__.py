"""The desk's journal: one SQLite file in the account's folder.

`file` writes it, `reading` reads it, also beside a desk that writes; `schema` has its tables and
their versions, `layouts` how a record becomes a row and a row a record again.
"""
