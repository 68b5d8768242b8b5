"""The catalogue: declarations compiled against both interfaces, and judged at load."""
