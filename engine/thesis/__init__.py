"""The thesis file: its model, its reader, its schema and its template."""
