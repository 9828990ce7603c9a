"""Prices and exchange rates from Yahoo, through the real client, into the store."""
