"""One module per command: what it takes, and what it asks of the desk.

Each has an ``entry``, the click command of the module's name, which only makes a value; that
value's ``run`` calls the desk. How a result looks is made in `apps.api.views`.
"""
