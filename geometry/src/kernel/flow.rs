//! Geodesics as the Hamiltonian flow of ½ g*_Σ(p, p), with parallel transport along them.

use nalgebra::{DMatrix, DVector};

use super::ExtendedKernel;
use super::integrator::{Outcome, System, Undefined, integrate};
use crate::eigen::symmetric_eigen;
use crate::error::{Error, Result};
use crate::matrix_functions::{from_eigenbasis, symmetrised, to_eigenbasis};
use crate::metric::checked_tangent;
use crate::metrics::whiten_by_cholesky;
use crate::spd::Spd;

/// Relative tolerance of a step at condition 1; it grows with the rounding of the right-hand side, ε κ.
const RTOL: f64 = 1e-13;
const LOOSEST_RTOL: f64 = 1e-6;
/// Change of the condition number that tells an exit from a failure of the integrator.
const EXIT_RATIO: f64 = 1e4;
/// See [`ExtendedKernel::exp_domain`].
const HORIZON: f64 = 1e6;

/// The end of a geodesic arc.
pub(super) struct Arc {
    pub end: Spd,
    pub carried: Option<DMatrix<f64>>,
}

struct Flow<'a> {
    metric: ExtendedKernel<'a>,
    order: usize,
}

impl Flow<'_> {
    fn matrix(&self, y: &[f64], index: usize) -> DMatrix<f64> {
        let size = self.order * self.order;
        DMatrix::from_column_slice(self.order, self.order, &y[index * size..(index + 1) * size])
    }
}

impl System for Flow<'_> {
    /// Blocks Σ, p and, when carried, V: Σ̇ = G⁻¹(p), ṗ = −∇H, V̇ = −Γ(Σ̇, V).
    fn derivative(&mut self, _t: f64, y: &[f64], out: &mut [f64]) -> std::result::Result<(), Undefined> {
        let sigma = self.matrix(y, 0);
        if sigma.iter().any(|v| !v.is_finite()) {
            return Err(Undefined);
        }
        let eigen = symmetric_eigen(&sigma);
        if eigen.values[0].is_nan() || eigen.values[0] <= 0.0 {
            return Err(Undefined);
        }
        let frame = self.metric.frame(eigen.values.as_slice()).map_err(|_| Undefined)?;
        let p = to_eigenbasis(&eigen, &self.matrix(y, 1));
        let velocity = frame.sharp(&p);
        let mut blocks = vec![velocity, -frame.hamiltonian_gradient(&p)];
        if y.len() > 2 * sigma.len() {
            let v = to_eigenbasis(&eigen, &self.matrix(y, 2));
            blocks.push(-frame.christoffel(&blocks[0], &v));
        }
        for (block, out) in blocks.iter().zip(out.chunks_exact_mut(sigma.len())) {
            out.copy_from_slice(from_eigenbasis(&eigen, block).as_slice());
        }
        if out.iter().all(|v| v.is_finite()) {
            Ok(())
        } else {
            Err(Undefined)
        }
    }

    fn block(&self) -> usize {
        self.order * self.order
    }

    fn accept(&mut self, _t: f64, y: &mut [f64]) -> std::result::Result<(), Undefined> {
        let size = self.block();
        for index in 0..y.len() / size {
            let symmetric = symmetrised(self.matrix(y, index));
            y[index * size..(index + 1) * size].copy_from_slice(symmetric.as_slice());
        }
        if self.matrix(y, 0).cholesky().is_some() {
            Ok(())
        } else {
            Err(Undefined)
        }
    }
}

/// The geodesic from `at` with velocity `x` up to t = 1.
pub(super) fn flow(metric: ExtendedKernel<'_>, at: &Spd, x: &DMatrix<f64>, v: Option<&DMatrix<f64>>) -> Result<Arc> {
    let x = checked_tangent(at, x)?;
    let mut state = at.matrix().as_slice().to_vec();
    state.extend_from_slice(metric.flat(at, &x)?.as_slice());
    if let Some(v) = v {
        state.extend_from_slice(checked_tangent(at, v)?.as_slice());
    }
    if let Some(t) = run(metric, at, &mut state, 1.0)? {
        return Err(Error::LeftDomain { t });
    }
    let system = Flow {
        metric,
        order: at.order(),
    };
    Ok(Arc {
        end: Spd::try_new(system.matrix(&state, 0))?,
        carried: v.map(|_| system.matrix(&state, 2)),
    })
}

/// Time at which the geodesic ends, ∞ when it does not within the horizon.
pub(super) fn exit_time(metric: ExtendedKernel<'_>, at: &Spd, x: &DMatrix<f64>) -> Result<f64> {
    let rate = whiten_by_cholesky(at, x).symmetric_eigenvalues().amax();
    let mut end = rate.recip();
    // Growing stages, so that the steps are measured against the time reached so far.
    while end < HORIZON / rate {
        let mut state = at.matrix().as_slice().to_vec();
        state.extend_from_slice(metric.flat(at, x)?.as_slice());
        if let Some(t) = run(metric, at, &mut state, end)? {
            return Ok(t);
        }
        end *= 8.0;
    }
    Ok(f64::INFINITY)
}

/// Integrates to `end`; the exit time when the geodesic leaves SPD(n) before.
fn run(metric: ExtendedKernel<'_>, at: &Spd, state: &mut Vec<f64>, end: f64) -> Result<Option<f64>> {
    let mut system = Flow {
        metric,
        order: at.order(),
    };
    let condition = at.condition_number();
    let rtol = (f64::EPSILON * condition).clamp(RTOL, LOOSEST_RTOL);
    let Outcome::Left { t } = integrate(&mut system, state, end, rtol) else {
        return Ok(None);
    };
    let reached: DVector<f64> = symmetric_eigen(&system.matrix(state, 0)).values;
    let (low, high) = (reached[0], reached[reached.len() - 1]);
    let start = at.eigenvalues();
    let shrunk = low <= start[0] / EXIT_RATIO;
    let grown = high >= start[start.len() - 1] * EXIT_RATIO;
    if shrunk || grown {
        return Ok(Some(t));
    }
    Err(Error::NoConvergence {
        what: "integration of the geodesic",
        iterations: 0,
        residual: t / end,
        tolerance: rtol,
    })
}
