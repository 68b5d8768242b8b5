"""The old GlobalOp service: calls that hold calls."""
