//! SPD matrices under every O(n)-invariant Riemannian metric, and distances between sets of them.

pub mod batch;
pub mod eigen;
pub mod error;
pub mod metric;
pub mod sliced;
pub mod spd;

pub use batch::{SpdBatch, SymBatch};
pub use error::{Error, Result};
pub use metric::Metric;
pub use spd::Spd;
