"""One person's felt taste, modelled from what they read and save."""
