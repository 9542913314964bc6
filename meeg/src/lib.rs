//! M/EEG recordings to covariances, features, kernels and predictions.
