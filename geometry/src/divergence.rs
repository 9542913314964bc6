//! Divergences between SPD matrices, in forms without cancellation.
//!
//! With e^μ the eigenvalues of A⁻¹B, from the singular values of L_A⁻¹L_B.

use crate::error::Result;
use crate::metric::{Metric, check_pair, number};
use crate::metrics::PowerEuclidean;
use crate::metrics::pair::relative_svd;
use crate::spd::Spd;

/// Sum of f(μ).
fn sum_over_mu(a: &Spd, b: &Spd, f: impl Fn(f64) -> f64) -> Result<f64> {
    check_pair(a, b)?;
    number("divergence", relative_svd(a, b).s.iter().map(|s| f(2.0 * s.ln())).sum())
}

/// Kullback–Leibler divergence of N(0, A) from N(0, B): ½(tr(B⁻¹A) − n + log det B − log det A) = ½ Σ (e^{−μ} − 1 + μ).
/// O(n³).
///
/// # Errors
/// [`Error::DimensionMismatch`](crate::Error::DimensionMismatch), and [`Error::OutOfRange`](crate::Error::OutOfRange) where
/// terms leave the range of floating point; here and below.
///
/// ```
/// use hadamard_geometry::{Spd, divergence::kullback_leibler};
/// use nalgebra::dmatrix;
///
/// let a = Spd::try_new(dmatrix![2.0])?;
/// let b = Spd::try_new(dmatrix![4.0])?;
/// let expected = 0.5 * (0.5 - 1.0 + 2f64.ln());
/// assert!((kullback_leibler(&a, &b)? - expected).abs() < 1e-16);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn kullback_leibler(a: &Spd, b: &Spd) -> Result<f64> {
    Ok(0.5 * sum_over_mu(a, b, expm1_minus)?)
}

/// e^{−μ} − 1 + μ.
fn expm1_minus(mu: f64) -> f64 {
    if mu.abs() >= 0.3 {
        return (-mu).exp_m1() + mu;
    }
    // Σ_{k ≥ 2} (−μ)^k/k!; 0.3¹⁴/14! < ε·0.3²/2.
    let (mut term, mut sum) = (-mu, 0.0);
    for k in 2..14 {
        term *= -mu / f64::from(k);
        sum += term;
    }
    sum
}

/// Jeffreys divergence KL(A, B) + KL(B, A) = Σ (cosh μ − 1). O(n³).
///
/// # Errors
/// Matrices of different orders.
pub fn jeffreys(a: &Spd, b: &Spd) -> Result<f64> {
    sum_over_mu(a, b, |mu| 2.0 * (0.5 * mu).sinh().powi(2))
}

/// Jensen–Bregman log-det divergence log det((A + B)/2) − ½ log det(AB) = Σ log cosh(μ/2), also called Stein's; its square
/// root is a metric (Sra 2012). O(n³).
///
/// # Errors
/// Matrices of different orders.
pub fn jensen_bregman_log_det(a: &Spd, b: &Spd) -> Result<f64> {
    sum_over_mu(a, b, |mu| {
        let half = 0.5 * mu.abs();
        // log cosh h = h − log 2 + log(1 + e^{−2h}) does not overflow.
        if half > 20.0 {
            half - std::f64::consts::LN_2
        } else {
            (2.0 * (0.5 * half).sinh().powi(2)).ln_1p()
        }
    })
}

/// Thompson's part metric max |μ|. O(n³).
///
/// # Errors
/// Matrices of different orders.
pub fn thompson(a: &Spd, b: &Spd) -> Result<f64> {
    check_pair(a, b)?;
    Ok(2.0
        * relative_svd(a, b)
            .s
            .iter()
            .fold(0.0, |worst: f64, s| worst.max(s.ln().abs())))
}

/// Hilbert's projective metric max μ − min μ; 0 for proportional matrices. O(n³).
///
/// # Errors
/// Matrices of different orders.
pub fn hilbert(a: &Spd, b: &Spd) -> Result<f64> {
    check_pair(a, b)?;
    let s = relative_svd(a, b).s;
    number("divergence", 2.0 * (s.max() / s.min()).ln())
}

/// Von Neumann divergence tr(A log A − A log B − A + B). O(n³).
///
/// # Errors
/// Matrices of different orders.
pub fn von_neumann(a: &Spd, b: &Spd) -> Result<f64> {
    check_pair(a, b)?;
    // Σ_ij |⟨p_i, q_j⟩|² (x_i log(x_i/y_j) − x_i + y_j): a sum of non-negative terms, without cancellation.
    let overlap = a.eigen().vectors.tr_mul(&b.eigen().vectors);
    let (x, y) = (a.eigenvalues(), b.eigenvalues());
    let mut sum = 0.0;
    for j in 0..y.len() {
        for i in 0..x.len() {
            // Zero times a term beyond the range of floating point is zero.
            if overlap[(i, j)] != 0.0 {
                sum += overlap[(i, j)].powi(2) * scalar_von_neumann(x[i], y[j]);
            }
        }
    }
    number("divergence", sum)
}

/// x log(x/y) − x + y, by what neither cancels nor leaves the range of floating point.
fn scalar_von_neumann(x: f64, y: f64) -> f64 {
    let ratio = x / y;
    let mu = if ratio.is_normal() { ratio.ln() } else { x.ln() - y.ln() };
    if mu.abs() < 0.3 {
        x * expm1_minus(mu)
    } else {
        x * mu + (y - x)
    }
}

/// Symmetrised von Neumann divergence ½ tr((A − B)(log A − log B)). O(n³).
///
/// # Errors
/// Matrices of different orders.
pub fn von_neumann_symmetrised(a: &Spd, b: &Spd) -> Result<f64> {
    Ok(0.5 * (von_neumann(a, b)? + von_neumann(b, a)?))
}

/// ‖A⁻¹ − B⁻¹‖, the inverse-Euclidean ("harmonic") distance. O(n³).
///
/// # Errors
/// Matrices of different orders.
pub fn inverse_euclidean(a: &Spd, b: &Spd) -> Result<f64> {
    PowerEuclidean::try_new(-1.0)?.distance(a, b)
}
