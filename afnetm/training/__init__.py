"""Training: the dataset on the device, augmentation in batches, one loop for every method."""
