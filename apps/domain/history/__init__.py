"""Bar history: which stretches of which bars are had, and which are to be had."""
