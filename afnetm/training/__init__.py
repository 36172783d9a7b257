"""Training: the cohort on the device, augmentation in batches, one loop for every method."""
