//! The Bures-Wasserstein barycentre in Procrustes form.

use nalgebra::DMatrix;

use super::anderson::Anderson;
use super::{MeanOptions, MeanReport, checked_weights};
use crate::batch::SpdBatch;
use crate::eigen::batch::ISA;
use crate::eigen::frames::root_sum;
use crate::eigen::group::Isa;
use crate::eigen::polar::{aligned_sum, upper_factor};
use crate::eigen::relative::Factors;
use crate::error::Result;
use crate::matrix_functions::svd::jacobi_svd;
use crate::spd::Spd;

/// Bures-Wasserstein barycentre: the minimiser of Σ wᵢ d_BW(M, Xᵢ)², the fixed point M = Σ wᵢ (M^½ Xᵢ M^½)^½.
///
/// Iterates on a factor, M = L Lᵀ: with Xᵢ = bᵢ bᵢᵀ and the SVD bᵢᵀ L = Uᵢ sᵢ Vᵢᵀ, L ← Σ wᵢ bᵢ Uᵢ Vᵢᵀ. This is the
/// fixed-point iteration of Álvarez-Esteban et al. (J. Math. Anal. Appl. 441, 2016) without an inverse or a square root.
/// The gradient norm is relative, ‖L⁺ − L‖ / ‖L‖ in the Frobenius norm.
/// For upper triangular L = U the same step is L⁺ = U⁻ᵀ Σ wᵢ (Uᵀ Xᵢ U)^½, with square roots side by side in vector lanes
/// and without SVDs, accelerated after Anderson. The square roots round as ε κ(M); below that, polar factors by one-sided
/// Jacobi finish. Cost: a square root of order d for each matrix and iteration, 5 to 8 of them, and for ill-conditioned
/// means one or two SVDs for each matrix. Memory: N d² for the factors.
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean). A mean that has not converged is returned and says so.
pub fn bures_wasserstein(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    match *ISA {
        Isa::Portable => iterate::<2>(batch, weights, options),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => iterate::<4>(batch, weights, options),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => iterate::<8>(batch, weights, options),
    }
}

/// The mean with W matrices side by side.
fn iterate<const W: usize>(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    let weights = checked_weights(batch, weights)?;
    let (indices, weights): (Vec<usize>, Vec<f64>) = weights.into_iter().unzip();
    let points = batch.select(&indices);
    let mut arithmetic = DMatrix::zeros(batch.order(), batch.order());
    for (point, &w) in points.iter().zip(&weights) {
        arithmetic += point * w;
    }
    let start = Spd::try_new(arithmetic)?;
    // In this unit, a power of two, products neither overflow nor vanish.
    let unit = 2.0_f64.powf(start.cholesky().amax().log2().round());
    let factors = Factors::<W>::new(points.factors().into_iter().map(|f| f / unit).collect());
    let mut factor = start.cholesky() / unit;
    let mut iterations = 0;
    let mut gradient_norm = f64::INFINITY;
    let mut upper = upper_factor(&factor);
    let mut anderson = Anderson::default();
    // A step that is no shorter than the last has met the rounding of the square roots. One step is left to the polar
    // factors, which measure the gradient without that rounding.
    while iterations + 1 < options.max_iterations && gradient_norm > options.tolerance {
        let Some(mut next) = root_sum(*ISA, &upper.transpose(), &factors, &weights) else {
            break;
        };
        if !upper.tr_solve_upper_triangular_mut(&mut next) {
            break;
        }
        let before = gradient_norm;
        gradient_norm = (&next - &upper).norm() / upper.norm();
        if gradient_norm.is_nan() || gradient_norm >= before {
            break;
        }
        upper = anderson.next(&upper, upper_factor(&next));
        factor = next;
        iterations += 1;
    }
    gradient_norm += rounding(&factor);
    if gradient_norm.is_nan() || gradient_norm > options.tolerance {
        gradient_norm = f64::INFINITY;
    }
    while iterations < options.max_iterations && gradient_norm > options.tolerance {
        let upper = upper_factor(&factor);
        let next = aligned_sum(*ISA, &upper, &factors, &weights, |f| aligned(f, &upper));
        gradient_norm = (&next - &upper).norm() / upper.norm();
        factor = next;
        iterations += 1;
    }
    factor *= unit;
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

/// ε κ(LLᵀ): what square roots of matrices seen from L, turned back, lose at most.
fn rounding(factor: &DMatrix<f64>) -> f64 {
    let s = factor.singular_values();
    f64::EPSILON * (s.max() / s.min()).powi(2)
}

/// b U Vᵀ with the SVD bᵀ L = U s Vᵀ of one matrix.
fn aligned(b: &DMatrix<f64>, factor: &DMatrix<f64>) -> DMatrix<f64> {
    let svd = jacobi_svd(&(b.transpose() * factor));
    b * svd.u * svd.v.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_widths_find_the_same_mean() {
        let batch = crate::mean::affine_invariant::tests::some_matrices(9, 13);
        let [two, four, eight] = [iterate::<2>, iterate::<4>, iterate::<8>].map(|mean| {
            let report = mean(&batch, None, &MeanOptions::default()).unwrap();
            assert!(report.converged, "{report:?}");
            report.mean.into_matrix()
        });
        // Each is within its tolerance, 1e-12 a step and a rate of contraction below 1/2, of the mean.
        assert!((&two - &four).norm() <= 1e-11 * two.norm());
        assert!((&two - &eight).norm() <= 1e-11 * two.norm());
    }

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
