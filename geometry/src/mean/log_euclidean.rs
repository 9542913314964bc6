//! The log-Euclidean mean.

use super::checked_weights;
use crate::batch::SpdBatch;
use crate::error::Result;
use crate::spd::Spd;

/// Log-Euclidean mean exp(Σ wᵢ log Xᵢ), closed.
///
/// `weights` are not negative and are scaled to sum 1; `None` means equal ones.
/// Cost: one logarithm for each matrix and one eigendecomposition for the mean. Memory: d² for 64 matrices.
/// Source: V. Arsigny, P. Fillard, X. Pennec, N. Ayache, SIAM J. Matrix Anal. Appl. 29 (2007) 328-347.
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty) for an empty batch,
/// [`Error::InvalidWeights`](crate::Error::InvalidWeights),
/// [`Error::DimensionMismatch`](crate::Error::DimensionMismatch) for a wrong number of weights,
/// [`Error::NotPositiveDefinite`](crate::Error::NotPositiveDefinite) when the mean is singular to working precision,
/// [`Error::NonFinite`](crate::Error::NonFinite) when it overflows.
pub fn log_euclidean(batch: &SpdBatch, weights: Option<&[f64]>) -> Result<Spd> {
    let weights = checked_weights(batch, weights)?;
    // Logarithms relative to a power of two near the entries are of order one in any unit, and so is their rounding.
    let size = |&(i, w): &(usize, f64)| w * batch.matrix(i).diagonal().max().log2();
    let unit = 2f64.powi(weights.iter().map(size).sum::<f64>().floor() as i32);
    let sum = batch.logarithm_sum(&weights, unit);
    Spd::try_new(crate::eigen::symmetric_eigen(&sum).map(f64::exp) * unit)
}
