"""The commands of `data` that read and change the bars on disk, without a connection."""
