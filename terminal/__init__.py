"""How a person at a terminal is told what goes on, and how they end it."""
