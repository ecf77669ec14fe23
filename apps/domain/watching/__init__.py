"""A watcher as it outlives the desk that armed it."""
