//! The affine-invariant (Karcher) mean by Newton's method on a Cholesky factor.

use nalgebra::DMatrix;

use super::{MeanOptions, MeanReport, checked_weights, log_euclidean};
use crate::batch::SpdBatch;
use crate::eigen::batch::ISA;
use crate::eigen::frames;
use crate::eigen::group::Isa;
use crate::eigen::relative::Factors;
use crate::error::Result;
use crate::spd::Spd;

/// Longest step, in affine-invariant length.
const MAX_STEP: f64 = 2.0;
/// Products with the Hessian in one outer iteration at most.
const MAX_PRODUCTS: usize = 50;

/// Affine-invariant (Karcher) mean: the minimiser of Σ wᵢ d_AI(M, Xᵢ)², unique.
///
/// The state is a factor, M = L Lᵀ. With the factors Xᵢ = Fᵢ Fᵢᵀ and the SVD L⁻¹ Fᵢ = Uᵢ sᵢ Vᵢᵀ, μᵢ = 2 log sᵢ, the
/// negative gradient in the frame L is J = Σ wᵢ Uᵢ diag(μᵢ) Uᵢᵀ. A Newton step solves 𝓗(V) = J by conjugate gradients,
/// 𝓗(V) = Σ wᵢ Uᵢ (cᵢ ∘ Uᵢᵀ V Uᵢ) Uᵢᵀ, cᵢ(a, b) = (δ/2) coth(δ/2) with δ = μᵢₐ − μᵢᵦ, and goes to L exp(V/2). M itself is
/// formed at the end only, so no condition number is squared on the way.
///
/// The gradient norm is ‖J‖ (Frobenius), free of units. Because ½ d_AI² is 1-strongly geodesically convex,
/// d_AI(M, mean) ≤ ‖J‖: this is [`MeanReport::certified_error`], up to rounding (about d ε max|μ|).
///
/// Cost: one SVD for each matrix and outer iteration (3 to 5 are usual), two products of order d for each matrix and
/// product with the Hessian (7 to 10 in all). Memory: N d² for the frames.
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean()). A mean that has not converged is returned and says so.
pub fn affine_invariant(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    match *ISA {
        Isa::Portable => newton::<2>(batch, weights, options),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => newton::<4>(batch, weights, options),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => newton::<8>(batch, weights, options),
    }
}

/// The mean with frames of W matrices side by side.
fn newton<const W: usize>(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    let (isa, n) = (*ISA, batch.order());
    let pairs = checked_weights(batch, weights)?;
    let start = log_euclidean(batch, weights)?;
    let (indices, weights): (Vec<usize>, Vec<f64>) = pairs.into_iter().unzip();
    let factors = Factors::<W>::new(batch.select(&indices).factors());
    let mut factor = start.cholesky().clone();
    let mut iterations = 0;
    let mut best: Option<(f64, DMatrix<f64>)> = None;
    loop {
        let frames = frames::frames(isa, &factor, &factors, &weights, half_coth);
        let gradient = frames::gradient(isa, &frames, n);
        let norm = gradient.norm();
        let improved = best.as_ref().is_none_or(|(least, _)| norm < *least);
        if improved {
            best = Some((norm, factor.clone()));
        }
        // Newton's method converges quadratically here: a step that no longer improves has met rounding.
        if norm <= options.tolerance || iterations == options.max_iterations || (!improved && norm < 1e-6) {
            break;
        }
        let mut step = newton_step(|v| frames::hessian(isa, &frames, v), &gradient, norm.min(0.1));
        let length = step.norm();
        if length > MAX_STEP {
            step *= MAX_STEP / length;
        }
        let exponential = crate::eigen::symmetric_eigen(&step).map(|v| (0.5 * v).exp());
        factor = lower_factor(&(&factor * exponential));
        iterations += 1;
    }
    let (gradient_norm, factor) = best.expect("the loop sets it in its first round");
    let mut mean = &factor * factor.transpose();
    mean.fill_lower_triangle_with_upper_triangle();
    Ok(MeanReport {
        mean: Spd::try_new(mean)?,
        iterations,
        gradient_norm,
        certified_error: Some(gradient_norm),
        converged: gradient_norm <= options.tolerance,
    })
}

/// (δ/2) coth(δ/2), 1 at 0.
fn half_coth(delta: f64) -> f64 {
    let half = 0.5 * delta.abs();
    if half < 1e-4 {
        1.0 + half * half / 3.0
    } else {
        half / half.tanh()
    }
}

/// Conjugate gradients on 𝓗(V) = J until the residual is `forcing` times ‖J‖.
fn newton_step(hessian: impl Fn(&DMatrix<f64>) -> DMatrix<f64>, gradient: &DMatrix<f64>, forcing: f64) -> DMatrix<f64> {
    let mut step = DMatrix::zeros(gradient.nrows(), gradient.ncols());
    let mut residual = gradient.clone();
    let mut direction = residual.clone();
    let mut square = residual.norm_squared();
    let stop = square * forcing * forcing;
    for _ in 0..MAX_PRODUCTS {
        if square <= stop {
            break;
        }
        let product = hessian(&direction);
        // 𝓗 ≥ identity, so the denominator is at least ‖direction‖².
        let length = square / direction.dot(&product);
        step += &direction * length;
        residual -= product * length;
        let next = residual.norm_squared();
        direction = &residual + direction * (next / square);
        square = next;
    }
    step
}

/// Lower triangular L with positive diagonal and L Lᵀ = G Gᵀ, from the QR factorisation of Gᵀ.
fn lower_factor(g: &DMatrix<f64>) -> DMatrix<f64> {
    let mut lower = g.transpose().qr().r().transpose();
    for mut column in lower.column_iter_mut() {
        let pivot = column.iter().copied().find(|x| *x != 0.0).unwrap_or(1.0);
        if pivot < 0.0 {
            column.neg_mut();
        }
    }
    lower
}
