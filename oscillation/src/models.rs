//! Jacobi matrices with known spectra: for validation, examples and teaching.
//!
//! Every function costs O(n), errs on order 0, and on parameters for which an entry is not finite or too large (see
//! [`Jacobi::new`]).

use std::f64::consts::PI;

use rand::{Rng, RngExt};
use rand_distr::{Cauchy, ChiSquared, Distribution, StandardNormal};

use crate::error::{OscillationError, Result};
use crate::jacobi::Jacobi;

fn parameter(what: &'static str, value: f64, good: bool, expected: &'static str) -> Result<()> {
    if good && value.is_finite() {
        Ok(())
    } else {
        Err(OscillationError::BadParameter { what, value, expected })
    }
}

/// The couplings `e[0]`, ..., `e[n-2]`, none for n ≤ 1.
fn couplings(n: usize, e: impl FnMut(usize) -> f64) -> Vec<f64> {
    (0..n.saturating_sub(1)).map(e).collect()
}

/// The free chain: d = 0, e = -1. Eigenvalues: [`free_eigenvalue`]. Errs on order 0.
pub fn free_chain(n: usize) -> Result<Jacobi> {
    Jacobi::new(vec![0.0; n], couplings(n, |_| -1.0))
}

/// k-th eigenvalue of the free chain of order n: -2 cos((k+1) π/(n+1)), k = 0..n.
pub fn free_eigenvalue(n: usize, k: usize) -> f64 {
    -2.0 * (PI * (k as f64 + 1.0) / (n as f64 + 1.0)).cos()
}

/// The second difference 2, -1 with fixed ends: eigenvalues 2 - 2 cos((k+1) π/(n+1)). Errs on order 0.
pub fn laplacian(n: usize) -> Result<Jacobi> {
    Jacobi::new(vec![2.0; n], couplings(n, |_| -1.0))
}

/// The second difference with free ends (d = 1 there; 0 for one row): eigenvalues 2 - 2 cos(k π/n). Errs on order 0.
pub fn neumann_laplacian(n: usize) -> Result<Jacobi> {
    let neighbours = |k: usize| f64::from(u8::from(k > 0)) + f64::from(u8::from(k + 1 < n));
    Jacobi::new((0..n).map(neighbours).collect::<Vec<_>>(), couplings(n, |_| -1.0))
}

/// Anderson's model: d uniform in [-disorder/2, disorder/2], e = -1. Every state is localised; all eigenvalues lie
/// within 2 + disorder/2. Errs when the disorder is negative or not finite.
pub fn anderson(n: usize, disorder: f64, rng: &mut impl Rng) -> Result<Jacobi> {
    parameter("disorder", disorder, disorder >= 0.0, "finite and not negative")?;
    let diagonal: Vec<f64> = (0..n).map(|_| disorder * (rng.random::<f64>() - 0.5)).collect();
    Jacobi::new(diagonal, couplings(n, |_| -1.0))
}

/// Lloyd's model: d Cauchy distributed with half-width `width`, e = -1. Its integrated density of states is known:
/// N(E) = 1/2 + Re arcsin((E + i width)/2)/π. Errs when the width is not positive and finite.
pub fn lloyd(n: usize, width: f64, rng: &mut impl Rng) -> Result<Jacobi> {
    let bad = OscillationError::BadParameter {
        what: "width",
        value: width,
        expected: "positive and finite",
    };
    let cauchy = Cauchy::new(0.0, width).map_err(|_| bad)?;
    Jacobi::new(
        (0..n).map(|_| cauchy.sample(rng)).collect::<Vec<_>>(),
        couplings(n, |_| -1.0),
    )
}

/// The almost Mathieu operator (Harper's model at coupling 1): `d[k]` = 2 coupling cos(2π alpha k + theta), e = -1.
///
/// For irrational alpha the spectrum is a Cantor set; in a gap the integrated density of states is m alpha mod 1. Errs
/// on order 0 and on parameters that are not finite or make an entry too large.
pub fn almost_mathieu(n: usize, coupling: f64, alpha: f64, theta: f64) -> Result<Jacobi> {
    let site = |k: usize| 2.0 * coupling * (2.0 * PI * (alpha * k as f64).fract() + theta).cos();
    Jacobi::new((0..n).map(site).collect::<Vec<_>>(), couplings(n, |_| -1.0))
}

/// Flaschka's matrix of a Toda lattice of n particles: `d[k]` = -`momenta[k]`/2,
/// `e[k]` = exp(-(`positions[k+1]` - `positions[k]`)/2)/2. Its eigenvalues are conserved. Errs when the lengths differ.
pub fn toda(positions: &[f64], momenta: &[f64]) -> Result<Jacobi> {
    if positions.len() != momenta.len() {
        return Err(OscillationError::LengthMismatch {
            what: "momenta",
            found: momenta.len(),
            expected: positions.len(),
        });
    }
    let diagonal: Vec<f64> = momenta.iter().map(|p| -p / 2.0).collect();
    let off: Vec<f64> = positions
        .windows(2)
        .map(|q| 0.5 * (-(q[1] - q[0]) / 2.0).exp())
        .collect();
    Jacobi::new(diagonal, off)
}

/// Clement's (Kac's) matrix: d = 0, `e[k]` = √((k+1)(n-1-k)). Eigenvalues -(n-1), -(n-3), ..., n-1. Errs on order 0.
pub fn clement(n: usize) -> Result<Jacobi> {
    Jacobi::new(vec![0.0; n], couplings(n, |k| (((k + 1) * (n - 1 - k)) as f64).sqrt()))
}

/// Wilkinson's W⁺ of order 2m + 1: d = m, ..., 1, 0, 1, ..., m, e = 1. Its large eigenvalues come in pairs that agree
/// to many digits. Never errs.
pub fn wilkinson_plus(m: usize) -> Result<Jacobi> {
    let n = 2 * m + 1;
    Jacobi::new(
        (0..n).map(|k| (k as f64 - m as f64).abs()).collect::<Vec<_>>(),
        couplings(n, |_| 1.0),
    )
}

/// Wilkinson's W⁻ of order 2m + 1: d = m, ..., 1, 0, -1, ..., -m, e = 1. Symmetric about 0. Never errs.
pub fn wilkinson_minus(m: usize) -> Result<Jacobi> {
    let n = 2 * m + 1;
    Jacobi::new(
        (0..n).map(|k| m as f64 - k as f64).collect::<Vec<_>>(),
        couplings(n, |_| 1.0),
    )
}

/// `copies` of W⁺ of order 2m + 1, joined by couplings `glue`: clusters of many eigenvalues. Errs on 0 copies and on a
/// glue that is not finite or too large.
pub fn glued_wilkinson(m: usize, copies: usize, glue: f64) -> Result<Jacobi> {
    let size = 2 * m + 1;
    let n = size * copies;
    let diagonal: Vec<f64> = (0..n).map(|k| ((k % size) as f64 - m as f64).abs()).collect();
    Jacobi::new(diagonal, couplings(n, |k| if (k + 1) % size == 0 { glue } else { 1.0 }))
}

/// Legendre polynomials on [-1, 1], weight 1, μ₀ = 2. Errs on order 0.
pub fn legendre(n: usize) -> Result<Jacobi> {
    jacobi_polynomials(n, 0.0, 0.0)
}

/// Hermite polynomials on the line, weight exp(-x²), μ₀ = √π: d = 0, `e[k]` = √((k+1)/2). Errs on order 0.
pub fn hermite(n: usize) -> Result<Jacobi> {
    Jacobi::new(vec![0.0; n], couplings(n, |k| ((k + 1) as f64 / 2.0).sqrt()))
}

/// Laguerre polynomials on [0, ∞), weight xᵃ exp(-x), μ₀ = Γ(a+1): `d[k]` = 2k + a + 1, `e[k]` = √((k+1)(k+1+a)). Errs
/// unless a > -1.
pub fn laguerre(n: usize, a: f64) -> Result<Jacobi> {
    parameter("a", a, a > -1.0, "finite and above -1")?;
    let diagonal: Vec<f64> = (0..n).map(|k| 2.0 * k as f64 + a + 1.0).collect();
    Jacobi::new(
        diagonal,
        couplings(n, |k| ((k + 1) as f64 * ((k + 1) as f64 + a)).sqrt()),
    )
}

/// Jacobi polynomials on [-1, 1], weight (1-x)ᵃ (1+x)ᵇ, μ₀ = 2^(a+b+1) B(a+1, b+1). With s = 2k + a + b:
///
/// ```text
/// d[k]   = (b² - a²)/(s (s+2))
/// e[k-1]² = 4k (k+a) (k+b) (k+a+b)/(s² (s+1) (s-1))
/// ```
///
/// and the limits of these where numerator and denominator vanish together. Errs unless a, b > -1.
pub fn jacobi_polynomials(n: usize, a: f64, b: f64) -> Result<Jacobi> {
    parameter("a", a, a > -1.0, "finite and above -1")?;
    parameter("b", b, b > -1.0, "finite and above -1")?;
    let diagonal: Vec<f64> = (0..n)
        .map(|k| {
            let s = 2.0 * k as f64 + a + b;
            if k == 0 {
                (b - a) / (s + 2.0)
            } else {
                (b - a) * (b + a) / (s * (s + 2.0))
            }
        })
        .collect();
    let squared = |k: f64| {
        let s = 2.0 * k + a + b;
        // k + a + b and s - 1 coincide at k = 1.
        let ratio = if k == 1.0 { 1.0 } else { (k + a + b) / (s - 1.0) };
        4.0 * k * (k + a) * (k + b) / (s * s * (s + 1.0)) * ratio
    };
    Jacobi::new(diagonal, couplings(n, |k| squared((k + 1) as f64).sqrt()))
}

/// The β-Hermite ensemble of Dumitriu and Edelman (J. Math. Phys. 43, 2002): d normal with variance 2, `e[k]` chi with
/// β (n-1-k) degrees of freedom, all divided by √2. β = 1, 2, 4 have the spectra of the classical Gaussian ensembles.
/// Errs unless β is positive and finite.
pub fn beta_hermite(n: usize, beta: f64, rng: &mut impl Rng) -> Result<Jacobi> {
    parameter("beta", beta, beta > 0.0, "positive and finite")?;
    let diagonal: Vec<f64> = (0..n).map(|_| StandardNormal.sample(rng)).collect();
    let mut off = Vec::with_capacity(n.saturating_sub(1));
    for k in 1..n {
        let degrees = beta * (n - k) as f64;
        let bad = OscillationError::BadParameter {
            what: "beta",
            value: beta,
            expected: "positive and finite",
        };
        let chi: f64 = ChiSquared::new(degrees).map_err(|_| bad)?.sample(rng);
        off.push((chi / 2.0).sqrt());
    }
    Jacobi::new(diagonal, off)
}
