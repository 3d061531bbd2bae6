"""Pinterest: the user's data download, and the official API in the user's name."""
