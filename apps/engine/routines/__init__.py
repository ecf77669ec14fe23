"""The account's routines: self-contained units of work, each from one definition.

A routine is a command at the prompt, a single command and an HTTP route. It is given a validated
request, acts through the desk, and gives a result. A bracket's *intent* is something else: that is
the desk's word for one position that is wanted (`apps.domain.intents`).
"""
