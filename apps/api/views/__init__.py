"""Pure views: a domain value in, a rich renderable out."""
