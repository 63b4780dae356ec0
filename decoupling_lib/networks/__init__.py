"""Networks: VGG-16 and VGG-19, their weights, and the channel means that are a style."""
