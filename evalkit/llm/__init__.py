"""The seam to language models: requests, replies, and the clients that exchange them."""
