"""The one routine that holds journal and broker against each other."""
