//! The Bures-Wasserstein barycentre in Procrustes form.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::{MeanOptions, MeanReport, checked_weights};
use crate::batch::{SpdBatch, SymBatch};
use crate::error::Result;
use crate::matrix_functions::svd::jacobi_svd;
use crate::spd::Spd;

/// Bures-Wasserstein barycentre: the minimiser of Σ wᵢ d_BW(M, Xᵢ)², the fixed point M = Σ wᵢ (M^½ Xᵢ M^½)^½.
///
/// Iterates on a factor, M = L Lᵀ: with Xᵢ = bᵢ bᵢᵀ and the SVD bᵢᵀ L = Uᵢ sᵢ Vᵢᵀ, L ← Σ wᵢ bᵢ Uᵢ Vᵢᵀ. This is the
/// fixed-point iteration of Álvarez-Esteban et al. (J. Math. Anal. Appl. 441, 2016) without an inverse or a square root.
/// The gradient norm is relative, ‖L⁺ − L‖ / ‖L‖ in the Frobenius norm.
/// The same step is L⁺ = L⁻ᵀ Σ wᵢ (Lᵀ Xᵢ L)^½, with square roots side by side in vector lanes: it is taken until its
/// rounding shows, and SVDs only finish. Cost: a square root of order d for each matrix and iteration, 6 to 11 of them,
/// and one or two SVDs for each matrix. Memory: N d² for the products.
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean). A mean that has not converged is returned and says so.
pub fn bures_wasserstein(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    let weights = checked_weights(batch, weights)?;
    let (indices, weights): (Vec<usize>, Vec<f64>) = weights.into_iter().unzip();
    let points = batch.select(&indices);
    let mut arithmetic = DMatrix::zeros(batch.order(), batch.order());
    for (point, &w) in points.iter().zip(&weights) {
        arithmetic += point * w;
    }
    let mut factor = Spd::try_new(arithmetic)?.cholesky().clone();
    let unit = 2.0_f64.powf(factor.amax().log2().round());
    let mut iterations = 0;
    let mut gradient_norm = f64::INFINITY;
    // The iteration converges linearly: a step that is no shorter than the last has met the rounding of the square roots.
    // The last step is left to the polar factors, which measure the gradient without that rounding.
    while iterations + 1 < options.max_iterations && gradient_norm > options.tolerance {
        let Some(next) = by_square_roots(&points, &weights, &factor, unit) else {
            break;
        };
        let before = gradient_norm;
        gradient_norm = (&next - &factor).norm() / factor.norm();
        if gradient_norm.is_nan() || gradient_norm >= before {
            break;
        }
        factor = next;
        iterations += 1;
    }
    let factors = points.factors();
    gradient_norm = f64::INFINITY;
    while iterations < options.max_iterations && gradient_norm > options.tolerance {
        let next = by_polar_factors(&factors, &weights, &factor);
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

/// L⁺ = L⁻ᵀ Σ wᵢ (Lᵀ Xᵢ L)^½ with the square roots side by side in lanes: the step of [`by_polar_factors`], but
/// with an error of ε cond(L) in the directions of small eigenvalues. `unit`, a power of two, is the size of L: in its square
/// the products neither overflow nor vanish. `None` when L has lost its rank.
fn by_square_roots(points: &SpdBatch, weights: &[f64], factor: &DMatrix<f64>, unit: f64) -> Option<DMatrix<f64>> {
    let n = factor.nrows();
    let scaled = factor / unit;
    let transposed = scaled.transpose();
    let mut data = vec![0.0; points.as_slice().len()];
    data.par_chunks_exact_mut(n * n).enumerate().for_each(|(i, out)| {
        let mut product = (&transposed * (points.matrix(i) / unit / unit)) * &scaled;
        product.fill_lower_triangle_with_upper_triangle();
        out.copy_from_slice(product.as_slice());
    });
    let roots = SymBatch::from_vec_unchecked(n, data).map(|d| d.max(0.0).sqrt());
    let mut sum = DMatrix::zeros(n, n);
    for (root, &w) in roots.iter().zip(weights) {
        sum += root * w;
    }
    transposed.lu().solve(&sum).map(|next| next * unit)
}

/// L⁺ = Σ wᵢ bᵢ Uᵢ Vᵢᵀ with the SVD bᵢᵀ L = Uᵢ sᵢ Vᵢᵀ.
fn by_polar_factors(factors: &[DMatrix<f64>], weights: &[f64], factor: &DMatrix<f64>) -> DMatrix<f64> {
    let aligned: Vec<DMatrix<f64>> = factors
        .par_iter()
        .zip(weights)
        .map(|(b, w)| {
            let svd = jacobi_svd(&(b.transpose() * factor));
            b * svd.u * svd.v.transpose() * *w
        })
        .collect();
    let mut next = DMatrix::zeros(factor.nrows(), factor.nrows());
    for term in &aligned {
        next += term;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of units by a power of four changes no digit, however far it goes.
    #[test]
    fn units_do_not_matter() {
        let data = [[2.0, 0.5, 0.5, 1.0], [1.0, -0.25, -0.25, 3.0], [4.0, 1.5, 1.5, 2.0]].concat();
        let mean = |unit: f64| {
            let batch = SpdBatch::try_from_vec(2, data.iter().map(|x| x * unit).collect()).unwrap();
            let report = bures_wasserstein(&batch, None, &MeanOptions::default()).unwrap();
            assert!(report.converged, "{unit:e}: {report:?}");
            report.mean.into_matrix() / unit
        };
        let expected = mean(1.0);
        for exponent in [-980, -600, -100, 100, 600, 980] {
            let error = (mean(2.0_f64.powi(exponent)) - &expected).norm();
            assert!(error < 1e-14, "2^{exponent}: {error:e}");
        }
    }
}
