"""Reading: what a request meant to the old server, found before it is translated."""
