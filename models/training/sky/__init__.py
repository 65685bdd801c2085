"""The sky network: labels by a teacher that were looked at, samples, training and export."""
