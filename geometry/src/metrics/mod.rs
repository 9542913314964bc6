//! The metrics, one file each.

mod affine_invariant;
mod alpha_procrustes;
mod bures_wasserstein;
mod bures_wasserstein_transport;
mod congruent;
mod deformed;
mod euclidean;
mod log_euclidean;
mod mixed_power_euclidean;
pub(crate) mod pair;
mod power_affine;
mod power_euclidean;
mod pullback;
pub(crate) mod semidefinite;
mod triangular;

pub use affine_invariant::AffineInvariant;
pub use alpha_procrustes::AlphaProcrustes;
pub use bures_wasserstein::BuresWasserstein;
pub use congruent::{Congruence, Congruent};
pub use deformed::{Deformed, Power};
pub use euclidean::Euclidean;
pub use log_euclidean::LogEuclidean;
pub use mixed_power_euclidean::MixedPowerEuclidean;
pub(crate) use pair::whiten_by_cholesky;
pub use power_affine::PowerAffine;
pub use power_euclidean::PowerEuclidean;
pub use pullback::PullBack;
pub use triangular::{Cholesky, Diagonal, Linear, LogCholesky, Logarithmic, Triangular};
