"""Search among one user's items, for the command line and the browser app."""
