"""How a person looks at a field: a live page in the browser."""
