"""One file per old service: which v3 operation each operation becomes, and every difference."""
