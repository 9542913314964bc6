//! Transport costs as losses that flows can follow.

use super::{SinkhornOptions, log_euclidean_cost, sinkhorn, wasserstein};
use crate::error::Result;
use crate::sliced::{Curvature, Gradient, LogCloud, Objective, packed_len};

/// Which transport problem a loss solves at every step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Solver {
    /// The exact one: LEW.
    Exact,
    /// The entropic one: LES.
    Entropic(SinkhornOptions),
}

/// f(μ) = Σ π_ij ‖log X_i − log Y_j‖² for the optimal coupling π with a fixed target, plus ε KL(π | a bᵀ) for the
/// entropic problem.
///
/// Its gradient by log X_i is 2 Σ_j π_ij (log X_i − log Y_j): the coupling minimises f, so that its own change counts
/// for nothing (envelope theorem). An entropic coupling that ran out of iterations is used as far as it got.
/// About O(n³) a step for the exact problem, O(n²) an iteration for the entropic one.
#[derive(Debug, Clone)]
pub struct TransportLoss<'a> {
    target: &'a LogCloud,
    solver: Solver,
}

impl<'a> TransportLoss<'a> {
    /// Loss against `target`.
    pub fn new(target: &'a LogCloud, solver: Solver) -> Self {
        Self { target, solver }
    }
}

impl Objective for TransportLoss<'_> {
    fn value_and_gradient(&self, cloud: &LogCloud) -> Result<Gradient> {
        let cost = log_euclidean_cost(cloud, self.target, 2.0)?;
        let size = packed_len(cloud.order());
        let mut rows = vec![0.0; cloud.rows().len()];
        let mut pull = |from: usize, to: usize, mass: f64| {
            let row = &mut rows[from * size..(from + 1) * size];
            let pair = cloud.point(from).iter().zip(self.target.point(to));
            row.iter_mut()
                .zip(pair)
                .for_each(|(slot, (x, y))| *slot += 2.0 * mass * (x - y));
        };
        let (a, b) = (cloud.weights(), self.target.weights());
        let value = match self.solver {
            Solver::Exact => {
                let plan = wasserstein(&cost, a, b)?;
                plan.entries
                    .iter()
                    .for_each(|entry| pull(entry.from, entry.to, entry.mass));
                plan.cost
            }
            Solver::Entropic(options) => {
                let report = sinkhorn(&cost, a, b, options)?;
                for (to, column) in report.plan.column_iter().enumerate() {
                    column.iter().enumerate().for_each(|(from, &mass)| pull(from, to, mass));
                }
                report.regularized_cost
            }
        };
        Ok(Gradient { value, rows })
    }

    fn curvature(&self) -> Curvature {
        Curvature {
            traceless: 2.0,
            trace: 2.0,
        }
    }
}
