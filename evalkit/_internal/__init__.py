"""Small pieces that every floor of the house uses: ids, clock, canonical JSON, lazy imports."""
