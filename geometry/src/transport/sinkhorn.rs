//! Entropic optimal transport by Sinkhorn's iteration in log-domain.

use nalgebra::DMatrix;

use super::checked_problem;
use crate::error::{Error, Result, in_range};

/// How Sinkhorn's iteration runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SinkhornOptions {
    /// ε > 0 in min ⟨π, C⟩ + ε KL(π | a bᵀ), in the unit of the cost.
    pub regularization: f64,
    /// Ends when Σ_i |Σ_j π_ij − a_i| is below this.
    pub tolerance: f64,
    /// Largest number of iterations, at least 1.
    pub iterations: usize,
}

impl Default for SinkhornOptions {
    /// ε = 1, tolerance 1e-9, 10 000 iterations.
    fn default() -> Self {
        Self {
            regularization: 1.0,
            tolerance: 1e-9,
            iterations: 10_000,
        }
    }
}

/// An entropic coupling and how far it got.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkhornReport {
    /// The coupling, n x m; its column sums are exact to rounding.
    pub plan: DMatrix<f64>,
    /// ⟨π, C⟩, without the entropy.
    pub cost: f64,
    /// ⟨π, C⟩ + ε KL(π | a bᵀ): what was minimised. Its derivative by C_ij is π_ij.
    pub regularized_cost: f64,
    /// Iterations made.
    pub iterations: usize,
    /// Σ_i |Σ_j π_ij − a_i|.
    pub marginal_error: f64,
    /// Whether the tolerance was met.
    pub converged: bool,
}

/// Scalings beyond exp(±this) are absorbed into the potentials.
const ABSORB: f64 = 50.0;

/// min ⟨π, C⟩ + ε KL(π | a bᵀ) over couplings of `a` (rows) and `b` (columns), uniform for `None`.
///
/// The potentials live in log-domain and the iteration scales exp((f_i + g_j − C_ij)/ε), whose rows and columns all have
/// an entry near one, so that no ε underflows. O(n m) an iteration, exponentials only when potentials are absorbed.
///
/// # Errors
/// [`Error::Empty`], [`Error::NonFinite`] for a cost, [`Error::InvalidWeights`], [`Error::InvalidParameter`] for an ε
/// or tolerance that is not positive, [`Error::OutOfRange`] for costs so large that C/ε overflows. Running out of
/// iterations is reported, not an error.
///
/// Source: Cuturi 2013; Schmitzer 2019, section 3, for the absorption.
pub fn sinkhorn(
    cost: &DMatrix<f64>,
    a: Option<&[f64]>,
    b: Option<&[f64]>,
    options: SinkhornOptions,
) -> Result<SinkhornReport> {
    for (name, value) in [
        ("regularization", options.regularization),
        ("tolerance", options.tolerance),
    ] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::InvalidParameter {
                name,
                value,
                reason: "must be positive and finite",
            });
        }
    }
    if options.iterations == 0 {
        return Err(Error::InvalidParameter {
            name: "iterations",
            value: 0.0,
            reason: "must be at least 1",
        });
    }
    let (a, b) = checked_problem(cost, a, b)?;
    let (n, m) = cost.shape();
    let epsilon = options.regularization;
    let mut f: Vec<f64> = cost.row_iter().map(|row| row.min()).collect();
    let mut g: Vec<f64> = cost
        .column_iter()
        .map(|column| column.iter().zip(&f).map(|(c, f)| c - f).fold(f64::INFINITY, f64::min))
        .collect();
    let kernel_of =
        |f: &[f64], g: &[f64]| DMatrix::from_fn(n, m, |i, j| ((f[i] + g[j] - cost[(i, j)]) / epsilon).exp());
    let mut kernel = kernel_of(&f, &g);
    let (mut u, mut v) = (vec![1.0; n], vec![1.0; m]);
    let mut row_sums = vec![0.0; n];
    let mut report = (0, f64::INFINITY);
    for iteration in 1..=options.iterations {
        // Columns: v = b / Kᵀu. Then the row sums of K v give u = a / K v and, first, the error of the rows.
        for (j, column) in kernel.as_slice().chunks_exact(n).enumerate() {
            let sum: f64 = column.iter().zip(&u).map(|(k, u)| k * u).sum();
            v[j] = if b[j] > 0.0 { b[j] / sum } else { 0.0 };
        }
        row_sums.fill(0.0);
        for (column, v) in kernel.as_slice().chunks_exact(n).zip(&v) {
            row_sums.iter_mut().zip(column).for_each(|(sum, k)| *sum += k * v);
        }
        let error: f64 = row_sums
            .iter()
            .zip(&u)
            .zip(&a)
            .map(|((sum, u), a)| (sum * u - a).abs())
            .sum();
        report = (iteration, error);
        if error <= options.tolerance || iteration == options.iterations {
            break;
        }
        for ((u, sum), a) in u.iter_mut().zip(&row_sums).zip(&a) {
            *u = if *a > 0.0 { a / sum } else { 0.0 };
        }
        let outside = |x: &f64| *x > 0.0 && x.ln().abs() > ABSORB;
        if u.iter().any(outside) || v.iter().any(outside) {
            absorb(&mut f, &mut u, epsilon);
            absorb(&mut g, &mut v, epsilon);
            kernel = kernel_of(&f, &g);
        }
    }
    let plan = DMatrix::from_fn(n, m, |i, j| u[i] * kernel[(i, j)] * v[j]);
    let (iterations, marginal_error) = report;
    let mut divergence = 0.0;
    for (j, column) in plan.column_iter().enumerate() {
        for (mass, a) in column.iter().zip(&a).filter(|(mass, _)| **mass > 0.0) {
            divergence += mass * (mass / (a * b[j])).ln();
        }
    }
    let transport = plan.dot(cost);
    let regularized_cost = transport + epsilon * divergence;
    in_range(
        "entropic plan: costs are too large for this regularization",
        [plan.sum(), transport, regularized_cost],
    )?;
    Ok(SinkhornReport {
        cost: transport,
        regularized_cost,
        plan,
        iterations,
        marginal_error,
        converged: marginal_error <= options.tolerance,
    })
}

/// potential += ε log scaling, scaling = 1; points without mass keep scaling 0.
fn absorb(potential: &mut [f64], scaling: &mut [f64], epsilon: f64) {
    for (p, s) in potential.iter_mut().zip(scaling).filter(|(_, s)| **s > 0.0) {
        *p += epsilon * s.ln();
        *s = 1.0;
    }
}
