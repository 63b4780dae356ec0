"""The mathematics of legs: it sees arrays and a feature map, never a file or a network."""
