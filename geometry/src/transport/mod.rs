//! Optimal transport between sets of SPD matrices with Riemannian ground costs: the exact competitors of the sliced
//! distances.
//!
//! [`wasserstein`] solves the linear program by network simplex, O(n³) in practice; [`sinkhorn`] the entropic problem in
//! log-domain. Both take any cost matrix; [`log_euclidean_cost`] and [`affine_invariant_cost`] make those of SPD(d).
//!
//! ```
//! use hadamard_geometry::{SpdBatch, sliced::LogCloud, transport::{log_euclidean_cost, wasserstein}};
//!
//! let x = LogCloud::try_new(&SpdBatch::try_from_vec(1, vec![1.0, 2.0])?)?;
//! let y = LogCloud::try_new(&SpdBatch::try_from_vec(1, vec![4.0, 1.0])?)?;
//! let plan = wasserstein(&log_euclidean_cost(&x, &y, 2.0)?, None, None)?;
//! // 1 stays, 2 goes to 4: half of (log 2)².
//! assert!((plan.cost - 0.5 * 2.0_f64.ln().powi(2)).abs() < 1e-15);
//! # Ok::<(), hadamard_geometry::Error>(())
//! ```

mod cost;
mod loss;
mod network_simplex;
mod sinkhorn;

pub use cost::{affine_invariant_cost, log_euclidean_cost};
pub use loss::{Solver, TransportLoss};
pub use network_simplex::{TransportPlan, wasserstein};
pub use sinkhorn::{SinkhornOptions, SinkhornReport, sinkhorn};

use crate::error::{Error, Result};
use nalgebra::DMatrix;

/// Validated masses, uniform for `None`, and a finite cost of the right shape.
fn checked_problem(cost: &DMatrix<f64>, a: Option<&[f64]>, b: Option<&[f64]>) -> Result<(Vec<f64>, Vec<f64>)> {
    let (n, m) = cost.shape();
    if n == 0 || m == 0 {
        return Err(Error::Empty { what: "measure" });
    }
    for row in 0..n {
        for column in 0..m {
            let value = cost[(row, column)];
            if !value.is_finite() {
                return Err(Error::NonFinite {
                    index: 0,
                    row,
                    column,
                    value,
                });
            }
        }
    }
    let masses = |weights: Option<&[f64]>, len: usize| match weights {
        Some(weights) => crate::sliced::checked_weights(weights, len),
        None => Ok(vec![1.0 / len as f64; len]),
    };
    Ok((masses(a, n)?, masses(b, m)?))
}
