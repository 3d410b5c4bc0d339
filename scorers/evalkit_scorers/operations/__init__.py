"""What an answer took: time, money and length."""
