"""The commands of the command line, a module each: thin typer over the library."""
