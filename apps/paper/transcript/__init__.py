"""Transcripts: all that was said on the wire, in a file that people and programs read.

    gateway ──Tap──▶ recorder ──▶ FILE ──▶ reading ──▶ comparing   what differs between two
                                                 └──▶ replay       the server's side, said again

A transcript is text, one JSON object a line. `entries` says what a line holds, `plain` how a
message becomes names and values; `recorder` listens to a gateway and `writer` keeps the disk away
from its loop. `playback` holds one recorded connection against a client that makes it again,
`replay` has the sockets. ``python -m apps.paper.transcript`` compares.
"""
