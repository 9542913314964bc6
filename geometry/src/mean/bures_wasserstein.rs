//! The Bures-Wasserstein barycentre in Procrustes form.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::{MeanOptions, MeanReport, checked_weights};
use crate::batch::SpdBatch;
use crate::error::Result;
use crate::matrix_functions::svd::jacobi_svd;
use crate::spd::Spd;

/// Bures-Wasserstein barycentre: the minimiser of Σ wᵢ d_BW(M, Xᵢ)², the fixed point M = Σ wᵢ (M^½ Xᵢ M^½)^½.
///
/// Iterates on a factor, M = L Lᵀ: with Xᵢ = bᵢ bᵢᵀ and the SVD bᵢᵀ L = Uᵢ sᵢ Vᵢᵀ, L ← Σ wᵢ bᵢ Uᵢ Vᵢᵀ. This is the
/// fixed-point iteration of Álvarez-Esteban et al. (J. Math. Anal. Appl. 441, 2016) without an inverse or a square root.
/// The gradient norm is relative, ‖L⁺ − L‖ / ‖L‖ in the Frobenius norm.
/// Cost: one SVD of order d for each matrix and iteration; 6 to 11 iterations are usual.
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean). A mean that has not converged is returned and says so.
pub fn bures_wasserstein(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    let weights = checked_weights(batch, weights)?;
    let factors: Vec<DMatrix<f64>> = weights
        .par_iter()
        .map(|&(i, _)| batch.get(i).cholesky().clone())
        .collect();
    let mut arithmetic = DMatrix::zeros(batch.order(), batch.order());
    for &(i, w) in &weights {
        arithmetic += batch.matrix(i) * w;
    }
    let mut factor = Spd::try_new(arithmetic)?.cholesky().clone();
    let mut gradient_norm = f64::INFINITY;
    let mut iterations = 0;
    while iterations < options.max_iterations && gradient_norm > options.tolerance {
        let aligned: Vec<DMatrix<f64>> = factors
            .par_iter()
            .zip(&weights)
            .map(|(b, &(_, w))| {
                let svd = jacobi_svd(&(b.transpose() * &factor));
                b * svd.u * svd.v.transpose() * w
            })
            .collect();
        let mut next = DMatrix::zeros(batch.order(), batch.order());
        for term in &aligned {
            next += term;
        }
        gradient_norm = (&next - &factor).norm() / factor.norm();
        factor = next;
        iterations += 1;
    }
    let mut mean = &factor * factor.transpose();
    mean.fill_lower_triangle_with_upper_triangle();
    let converged = gradient_norm <= options.tolerance;
    Ok(MeanReport {
        mean: Spd::try_new(mean)?,
        iterations,
        gradient_norm,
        certified_error: None,
        converged,
    })
}
