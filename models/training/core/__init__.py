"""What every training shares: loop, run folder, cache, augmentation, plots."""
