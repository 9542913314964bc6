//! M/EEG recordings to covariances, features, kernels and predictions.

pub mod error;

pub use error::{Error, Result};
