"""Where items come from. Each source reads one kind of place and reports what it could not use."""
