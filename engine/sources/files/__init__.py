"""Sources that read a folder of files."""
