"""What translations of several services share."""
