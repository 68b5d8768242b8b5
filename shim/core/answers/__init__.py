"""Answers and faults of 2.5: values as the old server wrote them, and v3's texts in 2.5's words."""
