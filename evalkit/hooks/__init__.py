"""Plug-ins: what they may offer, how they are found, and the catalog of all that was found."""
