"""AFNet-M: encoders, mask attention, importance weights, and the network made of them."""
