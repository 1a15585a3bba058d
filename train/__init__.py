"""How a field is fitted, kept, and judged."""
