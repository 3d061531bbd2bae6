"""Where items come from. Each source reads one kind of place and says what it could not use."""
