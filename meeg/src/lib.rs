//! M/EEG recordings to covariances, features, kernels and predictions.

pub mod cohort;
pub mod error;
pub mod model;
pub mod simulate;

pub use cohort::{Cohort, Recording};
pub use error::{Error, Result};
