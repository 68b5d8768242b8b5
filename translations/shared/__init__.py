"""Parts that translations of several services share."""
