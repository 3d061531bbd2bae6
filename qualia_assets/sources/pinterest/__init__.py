"""Pinterest: the user's data download, and the official API with their own sign-in."""
