"""What was known, and when: sessions, prices, rates, signals, and one door to them."""
