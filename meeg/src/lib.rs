//! M/EEG recordings to covariances, features, kernels and predictions.

pub mod cohort;
pub mod error;
pub mod features;
pub mod model;
pub mod simulate;
pub mod table;

pub use cohort::{Cohort, Example};
pub use error::{Error, Result};
