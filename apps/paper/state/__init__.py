"""What a gateway keeps in a file, so that a kill at any moment loses and doubles nothing.

What it needs of the rest: an exchange that tells what became different, and can begin again from
it (`apps.paper.exchange.record`), and a server that has it all written down before it tells
anybody (`World.commit`).
"""
