"""AFNet-M and what it stands on: data, model and training of 2D+3D facial expression recognition."""
