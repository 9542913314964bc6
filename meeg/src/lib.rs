//! M/EEG recordings to covariances, features, kernels and predictions.

pub mod cohort;
pub mod covariance;
pub mod epochs;
pub mod error;
pub mod features;
pub mod filter;
pub mod filter_bank;
pub mod io;
pub mod model;
pub mod rank;
pub mod simulate;
pub mod table;

pub use cohort::{Cohort, Example};
pub use epochs::Epochs;
pub use error::{Error, Result};
pub use filter_bank::{Band, FilterBank};
pub use io::{Recording, Signal, SignalView};
