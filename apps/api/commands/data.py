"""`data`: the bars that are kept on disk. Its commands are in `apps.api.commands.history`."""

from __future__ import annotations

import click

from apps.api.commands.history import checking, handing, listing, load, pruning
from apps.api.tree import CommandGroup

__all__ = ["entry"]


@click.group("data", cls=CommandGroup, short_help="The bars that are kept on disk.")
def entry() -> None:
    """Load, show, check, hand over and remove the bars that are kept on disk."""


for each in (
    load.load,
    listing.show,
    listing.list_series,
    checking.verify,
    handing.export_bars,
    handing.import_bars,
    pruning.prune,
):
    entry.add_command(each)
