"""What evalkit speaks of: cases, scores, estimates, runs, and the protocols around them."""
