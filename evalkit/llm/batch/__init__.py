"""Model calls by the thousand, through batch endpoints at half the price."""
