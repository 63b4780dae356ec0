"""Decoupled CNN features: normalize an image along feature gradients, and impose a style on the way back."""
