"""One module for each page: its routes, and the values of its template."""
