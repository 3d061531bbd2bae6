"""What asking a provider over the network has in common, whichever provider and whatever is asked."""
