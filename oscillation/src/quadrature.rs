//! Gauss quadrature from recurrence coefficients.

use std::ops::RangeBounds;

use crate::error::{OscillationError, Result};
use crate::jacobi::Jacobi;
use crate::vectors::{eigenvector, norm1, twisted};

/// Nodes and weights of a quadrature rule.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussRule {
    /// Nodes, ascending.
    pub nodes: Vec<f64>,
    /// Weights, positive.
    pub weights: Vec<f64>,
}

impl GaussRule {
    /// Σ wᵢ f(xᵢ).
    pub fn integrate(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.nodes.iter().zip(&self.weights).map(|(&x, &w)| w * f(x)).sum()
    }
}

/// The Gauss rule of the measure with Jacobi matrix `j` (recurrence coefficients of its orthonormal polynomials) and
/// total mass `mu0`: nodes are the eigenvalues, weights μ₀ z(0)² of the unit eigenvectors z.
///
/// ```text
/// e[k] p[k+1](x) = (x - d[k]) p[k](x) - e[k-1] p[k-1](x),      ∫ f dμ = Σ w f(x) for polynomials of degree < 2n
/// ```
///
/// z comes from the twisted factorisation, whose entries are products, so tiny weights keep their relative accuracy. Where
/// its ratios leave the range of numbers (couplings that differ by 300 orders of magnitude) z comes from inverse iteration,
/// to absolute accuracy.
/// Errs on a zero coupling and when μ₀ is not positive and finite. O(n²), O(n) for each node.
///
/// Golub and Welsch, Math. Comp. 23 (1969).
///
/// ```
/// use hadamard_oscillation::{gauss_rule, models};
/// let rule = gauss_rule(&models::legendre(10)?, 2.0)?;
/// assert!((rule.integrate(|x| x.powi(18)) - 2.0 / 19.0).abs() < 1e-15);
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
pub fn gauss_rule(j: &Jacobi, mu0: f64) -> Result<GaussRule> {
    gauss_nodes(j, mu0, ..)
}

/// The nodes with indices in `range`, with their weights. Errs as [`gauss_rule`], and on an empty or too large range.
pub fn gauss_nodes(j: &Jacobi, mu0: f64, range: impl RangeBounds<usize>) -> Result<GaussRule> {
    if let Some(index) = j.first_split() {
        return Err(OscillationError::ZeroCoupling { which: "given", index });
    }
    if !(mu0 > 0.0 && mu0.is_finite()) {
        return Err(OscillationError::BadParameter {
            what: "mu0",
            value: mu0,
            expected: "positive and finite",
        });
    }
    let nodes = j.eigenvalues(range)?;
    let root = mu0.sqrt();
    let first = |x: f64| {
        let z = twisted(j, x)[0];
        if z.is_finite() {
            z
        } else {
            eigenvector(j, x, &[], norm1(j)).0[0]
        }
    };
    // Rounding must not lift a weight above the whole mass, which may be the largest number.
    let weights = nodes.iter().map(|&x| (root * first(x)).powi(2).min(mu0)).collect();
    Ok(GaussRule { nodes, weights })
}
