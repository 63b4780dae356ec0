"""Images: reading and writing files, noise, and measures of quality."""
