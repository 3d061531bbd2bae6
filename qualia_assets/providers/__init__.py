"""What all providers share, whatever they are asked: retries, prices, the budget, the request loop."""
