"""The simulated sample world, whose truth is known."""
