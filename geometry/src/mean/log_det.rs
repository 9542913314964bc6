//! The mean of the Jensen–Bregman log-det divergence.

use nalgebra::DMatrix;

use super::closed::inverse;
use super::{MeanOptions, MeanReport, checked_weights, log_euclidean};
use crate::batch::SpdBatch;
use crate::error::Result;
use crate::metrics::whiten_by_cholesky;
use crate::spd::Spd;

/// Log-det mean: the minimiser of Σ wᵢ JBLD(M, Xᵢ), unique (Sra 2016), the fixed point
/// M = (Σ wᵢ ((M + Xᵢ)/2)⁻¹)⁻¹.
///
/// The gradient norm is ‖L⁻¹(M⁺ − M)L⁻ᵀ‖, M = LLᵀ: the affine-invariant length of the last step. Convergence is linear.
/// Cost: one Cholesky inverse a matrix and iteration, no eigendecomposition.
///
/// # Errors
/// As [`log_euclidean`].
pub fn log_det(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    let pairs = checked_weights(batch, weights)?;
    let mut mean = log_euclidean(batch, weights)?;
    let mut gradient_norm = f64::INFINITY;
    let mut iterations = 0;
    while gradient_norm > options.tolerance && iterations < options.max_iterations {
        let mut sum = DMatrix::zeros(batch.order(), batch.order());
        for &(i, w) in &pairs {
            sum += inverse(&Spd::try_new((batch.matrix(i) + mean.matrix()) * 0.5)?) * w;
        }
        let next = Spd::try_new(inverse(&Spd::try_new(sum)?))?;
        gradient_norm = whiten_by_cholesky(&mean, &(next.matrix() - mean.matrix())).norm();
        mean = next;
        iterations += 1;
    }
    Ok(MeanReport {
        mean,
        iterations,
        gradient_norm,
        certified_error: None,
        converged: gradient_norm <= options.tolerance,
    })
}
