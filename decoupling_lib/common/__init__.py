"""What every other room builds on: errors, validation of input, safe files, and facts about the machine."""
