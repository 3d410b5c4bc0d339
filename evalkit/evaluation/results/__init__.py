"""The finished thing as data: nothing here runs anything."""
