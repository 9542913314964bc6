//! Power means.

use nalgebra::DMatrix;

use super::closed::inverse_factor;
use super::{MeanOptions, MeanReport, affine_invariant, checked_weights};
use crate::batch::SpdBatch;
use crate::eigen::symmetric_eigen;
use crate::error::{Error, Result};
use crate::matrix_functions::derivative::matrix_function;
use crate::matrix_functions::svd::jacobi_svd;
use crate::matrix_functions::{ScalarFunction, symmetrised};
use crate::spd::Spd;

/// Power mean P_t of Lim and Pálfia (2012), t ∈ \[−1, 1\]: for t > 0 the solution of M = Σ wᵢ M #_t Xᵢ, for t < 0
/// P_{−t}(Xᵢ⁻¹)⁻¹, for t = 0 the affine-invariant mean. P₁ is arithmetic, P₋₁ harmonic, and P_s ≼ P_t for s ≤ t.
///
/// Iterates K ← H^{−3/(8t)} K, H = Σ wᵢ (K Xᵢ Kᵀ)^t, from K = G^{−1/2}, G = (Σ wᵢ Xᵢ^t)^{1/t}; M = (KᵀK)⁻¹ (Congedo,
/// Barachant and Bhatia 2017), with the powers from the SVD of K Fᵢ, Xᵢ = Fᵢ Fᵢᵀ. The gradient norm is ‖H − I‖/√n.
/// Cost: one SVD a matrix and iteration; more iterations for small |t|.
///
/// # Errors
/// [`Error::InvalidParameter`] for t outside \[−1, 1\]; as [`affine_invariant`].
pub fn power(batch: &SpdBatch, weights: Option<&[f64]>, t: f64, options: &MeanOptions) -> Result<MeanReport> {
    if !(-1.0..=1.0).contains(&t) {
        return Err(Error::InvalidParameter {
            name: "t",
            value: t,
            reason: "must lie in [-1, 1]",
        });
    }
    if t == 0.0 {
        return affine_invariant(batch, weights, options);
    }
    let exponent = t.abs();
    // Factors of Xᵢ, or of its inverse for t < 0.
    let factors: Vec<(DMatrix<f64>, f64)> = checked_weights(batch, weights)?
        .into_iter()
        .map(|(i, w)| {
            let x = batch.get(i);
            let factor = if t > 0.0 {
                x.cholesky().clone()
            } else {
                inverse_factor(&x).transpose()
            };
            (factor, w)
        })
        .collect();
    let identity = DMatrix::identity(batch.order(), batch.order());
    let start = symmetric_eigen(&powers(&identity, &factors, exponent));
    let mut k = start.map(|d| d.powf(-0.5 / exponent));
    let mut iterations = 0;
    let mut best: Option<(f64, DMatrix<f64>)> = None;
    loop {
        let h = powers(&k, &factors, exponent);
        let residual = (&h - &identity).norm() / (batch.order() as f64).sqrt();
        let improved = best.as_ref().is_none_or(|(least, _)| residual < *least);
        if improved {
            best = Some((residual, k.clone()));
        }
        if residual <= options.tolerance || iterations == options.max_iterations || (!improved && residual < 1e-9) {
            break;
        }
        k = matrix_function(ScalarFunction::Pow(-0.375 / exponent), &symmetric_eigen(&h)) * k;
        iterations += 1;
    }
    let (residual, k) = best.unwrap_or((f64::INFINITY, k));
    let factor = if t > 0.0 {
        // M = K⁻¹K⁻ᵀ.
        k.clone().lu().solve(&identity).ok_or(Error::NotPositiveDefinite {
            index: 0,
            pivot: 0,
            value: 0.0,
        })?
    } else {
        k.transpose()
    };
    Ok(MeanReport {
        mean: Spd::from_factor(&factor)?,
        iterations,
        gradient_norm: residual,
        certified_error: None,
        converged: residual <= options.tolerance,
    })
}

/// Σ wᵢ (K Fᵢ Fᵢᵀ Kᵀ)^t.
fn powers(k: &DMatrix<f64>, factors: &[(DMatrix<f64>, f64)], t: f64) -> DMatrix<f64> {
    let n = k.nrows();
    let mut sum = DMatrix::zeros(n, n);
    for (factor, weight) in factors {
        let svd = jacobi_svd(&(k * factor));
        let mut scaled = svd.u.clone();
        for (mut column, s) in scaled.column_iter_mut().zip(svd.s.iter()) {
            column *= weight * s.powf(2.0 * t);
        }
        sum += scaled * svd.u.transpose();
    }
    symmetrised(sum)
}
