"""`doctor`: what a support engineer would ask, in order, each answer with the remedy."""
