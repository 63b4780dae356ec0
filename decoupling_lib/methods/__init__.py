"""Ways to take Steps 1 to 3 of a transfer, and the iterations behind them."""
