"""The commands, without their words on the terminal: comparing, listing, timing, preparing."""
