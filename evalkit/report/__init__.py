"""Reports: the terminal's table, and files for people and for machines."""
