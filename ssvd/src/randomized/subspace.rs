//! Randomized subspace iteration with Rayleigh-Ritz in every round.

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::{Spent, finish, rounding};
use crate::blocks::Blocks;
use crate::error::{Result, SsvdError};
use crate::lanczos::{SolveReport, check_rank, check_tolerance, finite};
use crate::operator::{Operator, Rescaled};
use crate::orthogonal::{fill_normal, orthonormalize};
use crate::tall::Tall;

/// Settings of [`subspace_iteration`].
#[derive(Debug, Clone, PartialEq)]
pub struct SubspaceOptions {
    /// Converged when every ||A v - s u|| and ||A^T u - s v|| is at most `tolerance` s_1. Errors of the values are of
    /// the size of its square over the relative gap.
    pub tolerance: f64,
    /// Vectors carried along beyond k.
    pub oversampling: usize,
    /// Rounds at most, each of k + `oversampling` products with A and with A^T.
    pub iterations: usize,
    /// Seed of the random start.
    pub seed: u64,
}

impl Default for SubspaceOptions {
    fn default() -> Self {
        Self {
            tolerance: 1e-6,
            oversampling: 10,
            iterations: 300,
            seed: 0,
        }
    }
}

/// The `k` largest singular triplets by randomized subspace iteration.
///
/// From a random n x p block V, p = k + oversampling, each round takes Q = orth(A V), X T = A^T Q and the triplets of
/// Q Q^T A = Q T^T X^T: the randomized SVD of Halko, Martinsson & Tropp (SIAM Rev. 53, 2011, algorithms 4.4 and 5.1)
/// after one round, and from there the residuals fall by (s_{p+1} / s_i)^2 a round. Those of a round are known from the first
/// product of the next one. The simplest of the solvers and the one with the fewest passes over A where few digits are
/// asked for or the values fall fast; on flat spectra [`crate::lanczos`] and [`super::block_krylov`] need far fewer
/// products. Values of any multiplicity up to p come out.
///
/// Errs when `k` is zero or exceeds a side, on options out of range and when the operator returns numbers that are not
/// finite or a singular value exceeds the largest number. Cost of a round: p products with A and with A^T, O((m + n) p^2); memory 2 (m + n) p numbers. The result is
/// the same bits for any number of threads.
///
/// ```
/// use hadamard_ssvd::{Csr, SubspaceOptions, subspace_iteration};
/// let a = Csr::from_triplets(3, 3, [(0, 0, 3.0), (1, 1, 2.0), (2, 2, 1.0)])?;
/// let report = subspace_iteration(&a, 2, &SubspaceOptions::default())?;
/// assert!(report.converged && (report.svd.s[1] - 2.0).abs() < 1e-12);
/// # Ok::<(), hadamard_ssvd::SsvdError>(())
/// ```
pub fn subspace_iteration(a: &impl Operator, k: usize, options: &SubspaceOptions) -> Result<SolveReport> {
    let (m, n) = (a.nrows(), a.ncols());
    check_rank(k, m, n)?;
    check_tolerance(options.tolerance)?;
    if options.iterations == 0 {
        return Err(SsvdError::Option {
            name: "iterations",
            value: 0.0,
            expected: "at least 1",
        });
    }
    let scaled = Rescaled::probe(a)?;
    solve(&scaled, k, options)?.in_units(scaled.unit())
}

fn solve(a: &impl Operator, k: usize, options: &SubspaceOptions) -> Result<SolveReport> {
    let (m, n) = (a.nrows(), a.ncols());
    let p = k.saturating_add(options.oversampling).min(m).min(n);
    let goal = options.tolerance.max(rounding(p));
    let (left, right) = (Blocks::new(m, p), Blocks::new(n, p));
    let mut rng = Pcg64::seed_from_u64(options.seed);
    let mut scale = 0.0;
    let mut v = Tall::zeros(n, p);
    fill_normal(&mut v, &mut rng);
    orthonormalize(&right, &[], &mut v, &mut scale, &mut rng);
    let mut found: Option<(Tall, Vec<f64>)> = None;
    let mut spent = Spent {
        iterations: 0,
        products: 1,
        memory: 2 * size_of::<f64>() * (m + n) * p,
    };
    loop {
        let mut w = Tall::zeros(m, p);
        a.apply(&v.data, p, &mut w.data);
        finite("operator", &w)?;
        spent.products += p;
        if let Some((u, s)) = &found {
            // A^T u = s v holds already.
            let worst = (0..k).map(|j| residual(&w, u, s, j)).fold(0.0, f64::max);
            if worst <= goal * s[0] || spent.iterations == options.iterations {
                return finish(a, (u, s, &v), k, goal, spent);
            }
        }
        scale = 0.0;
        orthonormalize(&left, &[], &mut w, &mut scale, &mut rng);
        a.apply_transpose(&w.data, p, &mut v.data);
        finite("transposed operator", &v)?;
        spent.products += p;
        scale = 0.0;
        let triangle = orthonormalize(&right, &[], &mut v, &mut scale, &mut rng).triangle;
        let svd = triangle.transpose().svd();
        let svd = svd.map_err(|_| SsvdError::Factorisation("Ritz values"))?;
        w.multiply_in_place(svd.U());
        v.multiply_in_place(svd.V());
        found = Some((w, (0..p).map(|i| svd.S()[i]).collect()));
        spent.iterations += 1;
    }
}

/// ||A v_j - s_j u_j||.
fn residual(av: &Tall, u: &Tall, s: &[f64], j: usize) -> f64 {
    let column = |x: &'_ Tall| x.data.iter().skip(j).step_by(x.width).copied().collect::<Vec<_>>();
    let terms = column(av).into_iter().zip(column(u));
    terms.map(|(y, x)| (y - s[j] * x).powi(2)).sum::<f64>().sqrt()
}
