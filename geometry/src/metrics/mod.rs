//! The metrics, one file each.

mod affine_invariant;
mod bures_wasserstein;
mod bures_wasserstein_transport;
mod euclidean;
mod log_euclidean;
mod pair;

pub use affine_invariant::AffineInvariant;
pub use bures_wasserstein::BuresWasserstein;
pub use euclidean::Euclidean;
pub use log_euclidean::LogEuclidean;
