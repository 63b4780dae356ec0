"""The commands of the command line, one module each, and thin: the work is done by the other rooms.

The docstring of a command's function is its help text, so its parameters are documented by the help texts of its
arguments and options.
"""
