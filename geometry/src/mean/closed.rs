//! Means in closed form.

use nalgebra::DMatrix;

use super::checked_weights;
use crate::batch::SpdBatch;
use crate::error::Result;
use crate::metric::Metric;
use crate::metrics::AffineInvariant;
use crate::spd::Spd;

/// Arithmetic mean Σ wᵢ Xᵢ. O(N n²).
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean), here and below.
pub fn arithmetic(batch: &SpdBatch, weights: Option<&[f64]>) -> Result<Spd> {
    let mut sum = DMatrix::zeros(batch.order(), batch.order());
    for (i, w) in checked_weights(batch, weights)? {
        sum += batch.matrix(i) * w;
    }
    Spd::try_new(sum)
}

/// Harmonic mean (Σ wᵢ Xᵢ⁻¹)⁻¹. O(N n³).
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean).
pub fn harmonic(batch: &SpdBatch, weights: Option<&[f64]>) -> Result<Spd> {
    let mut sum = DMatrix::zeros(batch.order(), batch.order());
    for (i, w) in checked_weights(batch, weights)? {
        sum += inverse(&batch.get(i)) * w;
    }
    Spd::try_new(inverse(&Spd::try_new(sum)?))
}

/// Mean of the symmetrised Kullback–Leibler divergence: the geometric midpoint of the arithmetic and harmonic means
/// (Moakher and Batchelor 2006). O(N n³).
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean).
pub fn kullback_leibler(batch: &SpdBatch, weights: Option<&[f64]>) -> Result<Spd> {
    AffineInvariant::default().geodesic(&arithmetic(batch, weights)?, &harmonic(batch, weights)?, 0.5)
}

/// A⁻¹ = (L⁻¹)ᵀ L⁻¹.
pub(super) fn inverse(a: &Spd) -> DMatrix<f64> {
    let half = inverse_factor(a);
    let mut product = half.tr_mul(&half);
    product.fill_lower_triangle_with_upper_triangle();
    product
}

/// L⁻¹.
pub(super) fn inverse_factor(a: &Spd) -> DMatrix<f64> {
    let mut half = DMatrix::identity(a.order(), a.order());
    a.cholesky().solve_lower_triangular_unchecked_mut(&mut half);
    half
}
