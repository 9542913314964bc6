//! M-estimators: C ← Σ w(z_tᵀ C⁻¹ z_t) z_t z_tᵀ/T until C changes by less than the tolerance.
//!
//! Maronna, *Robust M-estimators of multivariate location and scatter*, Ann. Statist. 4(1), 1976; Tyler, *A
//! distribution-free M-estimator of multivariate scatter*, Ann. Statist. 15(1), 1987; Chen, Wiesel & Hero, *Robust
//! shrinkage estimation of high-dimensional covariance matrices*, IEEE Trans. Signal Process. 59(9), 2011.

use nalgebra::DMatrix;
use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF};

use super::{Estimate, gram, sample};
use crate::error::{Error, Result};

/// Which constants make an M-estimator agree with the covariance of Gaussian data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Constants {
    /// Those of real samples: consistent for real Gaussian data.
    #[default]
    Real,
    /// Those of complex samples applied to real data, as pyRiemann does: on Gaussian data the trace comes out as 0.31
    /// (Huber, q = 0.9, p = 4) to 0.73 of the truth. For comparison only.
    PyRiemann,
}

/// The scale of a shape matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalisation {
    /// tr C = p.
    #[default]
    Trace,
    /// det C = 1.
    Determinant,
}

/// Relative Frobenius change at which the iteration ends.
const TOLERANCE: f64 = 1e-13;

/// Iterations after which it is given up.
const MOST_ITERATIONS: usize = 10_000;

pub(super) fn tyler(z: &DMatrix<f64>, normalisation: Normalisation) -> Result<Estimate> {
    let z = without_zeros(z);
    require_samples(&z)?;
    let p = z.ncols() as f64;
    iterate(
        "Tyler's estimator",
        &z,
        |x| p / x,
        |_| {},
        |c| normalise(c, normalisation),
    )
}

pub(super) fn regularised_tyler(z: &DMatrix<f64>, rho: f64) -> Result<Estimate> {
    let z = without_zeros(z);
    let p = z.ncols();
    let shrink = |c: &mut DMatrix<f64>| {
        *c *= 1.0 - rho;
        for i in 0..p {
            c[(i, i)] += rho;
        }
    };
    if z.nrows() == 0 {
        return Err(all_zero(p));
    }
    let mut estimate = iterate(
        "the regularised Tyler estimator",
        &z,
        |x| p as f64 / x,
        shrink,
        |c| {
            normalise(c, Normalisation::Trace);
        },
    )?;
    estimate.shrinkage = Some(rho);
    Ok(estimate)
}

pub(super) fn huber(z: &DMatrix<f64>, q: f64, constants: Constants) -> Result<Estimate> {
    require_samples(z)?;
    let p = z.ncols() as f64;
    // w(x) = min(1, k²/x)/b; k² a quantile of ‖z‖², b the mean of min(‖z‖², k²)/p for Gaussian z.
    let (k2, b) = match constants {
        Constants::Real => {
            let k2 = chi_squared_quantile(p, q);
            (k2, chi_squared_cdf(p + 2.0, k2) + k2 * (1.0 - q) / p)
        }
        Constants::PyRiemann => {
            let c2 = chi_squared_quantile(p, q) / 2.0;
            (c2, chi_squared_cdf(p + 1.0, 2.0 * c2) + c2 * (1.0 - q) / p)
        }
    };
    iterate("Huber's estimator", z, |x| (k2 / x).min(1.0) / b, |_| {}, |_| {})
}

pub(super) fn student_t(z: &DMatrix<f64>, nu: f64, constants: Constants) -> Result<Estimate> {
    require_samples(z)?;
    let p = z.ncols() as f64;
    let weight = move |x: f64| match constants {
        Constants::Real => (p + nu) / (nu + x),
        Constants::PyRiemann => (2.0 * p + nu) / (nu + 2.0 * x),
    };
    iterate("the estimator of Student's t", z, weight, |_| {}, |_| {})
}

/// The fixed point, from the sample covariance (which all these estimators transform with) as the start.
fn iterate(
    what: &'static str,
    z: &DMatrix<f64>,
    weight: impl Fn(f64) -> f64,
    regularise: impl Fn(&mut DMatrix<f64>),
    normalise: impl Fn(&mut DMatrix<f64>),
) -> Result<Estimate> {
    let (t, p) = (z.nrows(), z.ncols());
    let mut c = sample::scm(z);
    normalise(&mut c);
    regularise(&mut c);
    let mut weighted = z.clone();
    let mut whitened = DMatrix::zeros(t, p);
    let mut change = f64::INFINITY;
    for iteration in 1..=MOST_ITERATIONS {
        let squares = mahalanobis(z, &c, &mut whitened)?;
        let roots: Vec<f64> = squares.iter().map(|x| weight(*x).sqrt()).collect();
        for (to, from) in weighted
            .as_mut_slice()
            .chunks_exact_mut(t)
            .zip(z.as_slice().chunks_exact(t))
        {
            for ((to, from), root) in to.iter_mut().zip(from).zip(&roots) {
                *to = from * root;
            }
        }
        let mut next = gram(&weighted, 1.0 / t as f64);
        regularise(&mut next);
        normalise(&mut next);
        change = (&next - &c).norm() / c.norm();
        c = next;
        if change <= TOLERANCE {
            return Ok(Estimate {
                matrix: c,
                shrinkage: None,
                iterations: iteration,
            });
        }
    }
    Err(Error::NoConvergence {
        what,
        iterations: MOST_ITERATIONS,
        change,
        tolerance: TOLERANCE,
    })
}

/// z_tᵀ C⁻¹ z_t for each t, as ‖L⁻¹ z_t‖² with C = L Lᵀ.
fn mahalanobis(z: &DMatrix<f64>, c: &DMatrix<f64>, whitened: &mut DMatrix<f64>) -> Result<Vec<f64>> {
    let (t, p) = z.shape();
    let l = c.clone().cholesky().ok_or_else(|| singular(c))?.unpack();
    let mut squares = vec![0.0; t];
    for i in 0..p {
        let (done, rest) = whitened.as_mut_slice().split_at_mut(i * t);
        let column = &mut rest[..t];
        column.copy_from_slice(&z.as_slice()[i * t..(i + 1) * t]);
        for k in 0..i {
            let factor = l[(i, k)];
            for (out, x) in column.iter_mut().zip(&done[k * t..(k + 1) * t]) {
                *out -= factor * x;
            }
        }
        let inverse = 1.0 / l[(i, i)];
        for (out, square) in column.iter_mut().zip(&mut squares) {
            *out *= inverse;
            *square += *out * *out;
        }
    }
    Ok(squares)
}

fn singular(c: &DMatrix<f64>) -> Error {
    let threshold = c.nrows() as f64 * f64::EPSILON;
    Error::RankDeficient {
        context: "M-estimator".into(),
        rank: crate::rank::report(c, threshold).map_or(0, |report| report.rank),
        order: c.nrows(),
        threshold,
    }
}

/// The samples that are not 0 in all channels: a zero has no direction.
fn without_zeros(z: &DMatrix<f64>) -> DMatrix<f64> {
    let kept: Vec<usize> = (0..z.nrows())
        .filter(|&t| (0..z.ncols()).any(|i| z[(t, i)] != 0.0))
        .collect();
    z.select_rows(&kept)
}

fn require_samples(z: &DMatrix<f64>) -> Result<()> {
    if z.nrows() > z.ncols() {
        return Ok(());
    }
    Err(Error::TooFewSamples {
        context: "window".into(),
        samples: z.nrows(),
        needed: z.ncols() + 1,
        purpose: "an M-estimator of this many channels",
    })
}

fn all_zero(order: usize) -> Error {
    Error::RankDeficient {
        context: "M-estimator".into(),
        rank: 0,
        order,
        threshold: 0.0,
    }
}

fn normalise(c: &mut DMatrix<f64>, normalisation: Normalisation) {
    let p = c.nrows() as f64;
    let scale = match normalisation {
        Normalisation::Trace => p / c.trace(),
        // The trace first, so that the determinant is near 1 and cannot underflow.
        Normalisation::Determinant => {
            *c *= p / c.trace();
            let Some(factor) = c.clone().cholesky() else {
                return;
            };
            (-2.0 / p * factor.l_dirty().diagonal().iter().map(|l| l.ln()).sum::<f64>()).exp()
        }
    };
    *c *= scale;
}

fn chi_squared(degrees: f64) -> ChiSquared {
    ChiSquared::new(degrees).expect("a positive number of channels")
}

fn chi_squared_cdf(degrees: f64, x: f64) -> f64 {
    chi_squared(degrees).cdf(x)
}

/// Quantile, polished by Newton's method to the accuracy of the distribution function.
fn chi_squared_quantile(degrees: f64, q: f64) -> f64 {
    let distribution = chi_squared(degrees);
    let mut x = distribution.inverse_cdf(q);
    for _ in 0..3 {
        x -= (distribution.cdf(x) - q) / distribution.pdf(x);
    }
    x
}
