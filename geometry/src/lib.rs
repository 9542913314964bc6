//! SPD matrices under every O(n)-invariant Riemannian metric, and distances between sets of them.

pub mod batch;
pub mod check;
pub mod divergence;
pub mod eigen;
pub mod error;
pub mod kernel;
pub mod matrix_functions;
pub mod mean;
pub mod metric;
pub mod metrics;
pub mod random;
pub mod sliced;
pub mod spd;
pub mod transport;
pub mod vech;

pub use batch::{SpdBatch, SymBatch};
pub use error::{Error, Result};
pub use metric::Metric;
pub use spd::Spd;
