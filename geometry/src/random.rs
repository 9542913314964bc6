//! Random SPD matrices: prescribed condition, Wishart, Riemannian Gaussian.
//!
//! All functions take the generator; the same seed of a portable generator (such as `rand_pcg::Pcg64`) gives the same
//! matrices on every platform up to rounding of the elementary functions.

use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use rand_distr::{ChiSquared, Distribution, StandardNormal};

use crate::eigen::SymmetricEigen;
use crate::error::{Error, Result};
use crate::spd::Spd;

/// Orthogonal matrix with the Haar distribution, from the QR factorisation of a Gaussian matrix with the signs of R's
/// diagonal taken out (Mezzadri 2007). O(n³).
pub fn orthogonal(order: usize, rng: &mut impl Rng) -> DMatrix<f64> {
    let qr = gaussian(order, order, rng).qr();
    let (mut q, r) = qr.unpack();
    for j in 0..order {
        if r[(j, j)] < 0.0 {
            q.column_mut(j).neg_mut();
        }
    }
    q
}

fn gaussian(rows: usize, columns: usize, rng: &mut impl Rng) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| StandardNormal.sample(rng))
}

/// SPD matrix with Haar eigenvectors and eigenvalues whose logarithms are uniform between ±½ log `condition`. O(n³).
///
/// # Errors
/// [`Error::Empty`] for order 0; [`Error::InvalidParameter`] unless 1 ≤ `condition` < ∞.
///
/// ```
/// use hadamard_geometry::random::spd;
/// use rand::SeedableRng;
///
/// let a = spd(5, 1e4, &mut rand_pcg::Pcg64::seed_from_u64(1))?;
/// assert!(a.condition_number() <= 1.0001e4);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn spd(order: usize, condition: f64, rng: &mut impl Rng) -> Result<Spd> {
    check_order(order)?;
    if !(condition >= 1.0 && condition.is_finite()) {
        return Err(Error::InvalidParameter {
            name: "condition",
            value: condition,
            reason: "must be finite and at least 1",
        });
    }
    let span = condition.ln();
    let values = DVector::from_fn(order, |_, _| (span * (rng.random::<f64>() - 0.5)).exp());
    let mut sorted = values;
    sorted.as_mut_slice().sort_unstable_by(f64::total_cmp);
    Spd::from_eigen(SymmetricEigen {
        values: sorted,
        vectors: orthogonal(order, rng),
    })
}

/// Wishart matrix Σ zₖ zₖᵀ of `degrees` independent zₖ ~ N(0, `scale`), mean `degrees`·`scale`, by Bartlett's
/// decomposition (non-integer degrees allowed). O(n³).
///
/// # Errors
/// [`Error::InvalidParameter`] unless n − 1 < `degrees` < ∞.
pub fn wishart(scale: &Spd, degrees: f64, rng: &mut impl Rng) -> Result<Spd> {
    let n = scale.order();
    if !(degrees > n as f64 - 1.0 && degrees.is_finite()) {
        return Err(Error::InvalidParameter {
            name: "degrees",
            value: degrees,
            reason: "must be finite and exceed the order minus 1",
        });
    }
    let mut bartlett = DMatrix::zeros(n, n);
    for j in 0..n {
        for i in 0..n {
            if i == j {
                let chi = ChiSquared::new(degrees - i as f64).map_err(|_| Error::InvalidParameter {
                    name: "degrees",
                    value: degrees,
                    reason: "must exceed the order minus 1",
                })?;
                bartlett[(i, i)] = chi.sample(rng).sqrt();
            } else if i > j {
                bartlett[(i, j)] = StandardNormal.sample(rng);
            }
        }
    }
    Spd::from_factor(&(scale.cholesky() * bartlett))
}

/// Sweeps of the sampler before the first eigenvalues are taken, and between two takes.
const BURN_IN: usize = 200;
const THINNING: usize = 20;
/// Log-eigenvalues up to here leave room for the centre and for squares.
const LARGEST_LOG: f64 = 300.0;

/// `count` samples of the Riemannian Gaussian N(`centre`, σ²) of the affine-invariant metric: density proportional to
/// exp(−d_AI(X, centre)²/(2σ²)) for the Riemannian volume (Said, Bombrun, Berthoumieu and Manton 2017).
///
/// X = C U diag(eʳ) Uᵀ Cᵀ with a factor C of the centre, U Haar, and log-eigenvalues r of density proportional to
/// exp(−‖r‖²/(2σ²)) Π_{i<j} sinh(|r_i − r_j|/2), drawn by slice sampling one coordinate at a time within the ordered
/// chamber; consecutive samples share a chain, thinned by 20 sweeps.
///
/// # Errors
/// [`Error::InvalidParameter`] unless 0 < σ and 12σ + nσ²/2 ≤ 300 (beyond, eigenvalues overflow).
pub fn riemannian_gaussian(centre: &Spd, sigma: f64, count: usize, rng: &mut impl Rng) -> Result<Vec<Spd>> {
    let n = centre.order();
    // The largest log-eigenvalue drifts to about nσ²/2, twelve σ above in the worst case.
    if !(sigma > 0.0 && 12.0 * sigma + 0.5 * n as f64 * sigma * sigma <= LARGEST_LOG) {
        return Err(Error::InvalidParameter {
            name: "sigma",
            value: sigma,
            reason: "must be positive, and so small that eigenvalues do not overflow (12 sigma + n sigma^2/2 <= 300)",
        });
    }
    // Start: the drift of the repulsion at large σ plus an even spread of the size at small σ.
    let gap = 0.5 * sigma * sigma + sigma / (n as f64).sqrt();
    let mut r: Vec<f64> = (0..n).map(|i| gap * (2.0 * i as f64 - n as f64 + 1.0) * 0.5).collect();
    for _ in 0..BURN_IN {
        sweep(&mut r, sigma, rng);
    }
    (0..count)
        .map(|_| {
            for _ in 0..THINNING {
                sweep(&mut r, sigma, rng);
            }
            let mut factor = centre.cholesky() * orthogonal(n, rng);
            for (mut column, r) in factor.column_iter_mut().zip(&r) {
                column *= (0.5 * r).exp();
            }
            Spd::from_factor(&factor)
        })
        .collect()
}

/// Slice sampling of each coordinate between its neighbours.
fn sweep(r: &mut [f64], sigma: f64, rng: &mut impl Rng) {
    let n = r.len();
    // Beyond the outer neighbours the conditional is a Gaussian tilted by at most n/2.
    let reach = 12.0 * sigma + 0.5 * n as f64 * sigma * sigma;
    for i in 0..n {
        let log_density = |x: f64| {
            let repulsion: f64 = (0..n)
                .filter(|&j| j != i)
                .map(|j| log_sinh(0.5 * (x - r[j]).abs()))
                .sum();
            -0.5 * (x / sigma).powi(2) + repulsion
        };
        let level = log_density(r[i]) + (1.0 - rng.random::<f64>()).ln();
        let mut low = if i > 0 { r[i - 1] } else { (-reach).min(r[i] - reach) };
        let mut high = if i + 1 < n { r[i + 1] } else { reach.max(r[i] + reach) };
        let current = r[i];
        let next = loop {
            let candidate = low + (high - low) * rng.random::<f64>();
            if log_density(candidate) >= level {
                break candidate;
            }
            if candidate < current {
                low = candidate;
            } else {
                high = candidate;
            }
            if high - low <= f64::EPSILON * reach {
                break current;
            }
        };
        r[i] = next;
    }
}

/// log sinh x for x ≥ 0, without overflow.
fn log_sinh(x: f64) -> f64 {
    x + (-(-2.0 * x).exp_m1() * 0.5).ln()
}

fn check_order(order: usize) -> Result<()> {
    if order == 0 {
        Err(Error::Empty { what: "matrix" })
    } else {
        Ok(())
    }
}
