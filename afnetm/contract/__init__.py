"""The contract: what every method is held to, each check a function whose message says what to mend."""
