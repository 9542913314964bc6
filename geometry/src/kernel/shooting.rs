//! Logarithms without closed form: shooting.

use nalgebra::{DMatrix, DVector};

use super::ExtendedKernel;
use crate::error::{Error, Result};
use crate::metric::Metric;
use crate::metrics::LogEuclidean;
use crate::spd::Spd;
use crate::vech::{unvech, vech};

/// Residual at which the logarithm is accepted, relative to its norm.
const TOLERANCE: f64 = 1e-13;
/// Residual that still counts as converged when rounding stops the progress, times the condition number.
const FLOOR: f64 = 500.0 * f64::EPSILON;
const MAX_ITERATIONS: usize = 40;
const MAX_HALVINGS: usize = 6;
/// Relative step of the one-sided differences of the Jacobian, about √ε.
const DIFFERENCE: f64 = 1e-7;

/// Solves Exp_Σ(X) = Λ.
pub(super) fn log(metric: ExtendedKernel<'_>, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
    let guide = LogEuclidean::default();
    let whole = guide.log(at, to)?;
    let start = coordinates(metric, at, &whole)?;
    if start.norm() == 0.0 {
        return Ok(whole * 0.0);
    }
    let mut failure = match solve(metric, at, to, start) {
        Ok(x) => return velocity(metric, at, &x),
        Err(failure) => failure,
    };
    for halvings in 1..=MAX_HALVINGS {
        match continued(metric, at, to, 1 << halvings) {
            Ok(x) => return velocity(metric, at, &x),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// The solution for Λ through those for `stages` targets on the log-Euclidean geodesic from Σ to Λ.
fn continued(metric: ExtendedKernel<'_>, at: &Spd, to: &Spd, stages: usize) -> Result<DVector<f64>> {
    let guide = LogEuclidean::default();
    let mut x = coordinates(metric, at, &guide.log(at, to)?)? / stages as f64;
    x = solve(metric, at, &guide.geodesic(at, to, 1.0 / stages as f64)?, x)?;
    for stage in 2..=stages {
        let guess = x * (stage as f64 / (stage - 1) as f64);
        let target = if stage == stages {
            to.clone()
        } else {
            guide.geodesic(at, to, stage as f64 / stages as f64)?
        };
        x = solve(metric, at, &target, guess)?;
    }
    Ok(x)
}

/// Orthonormal coordinates of a tangent vector.
fn coordinates(metric: ExtendedKernel<'_>, at: &Spd, x: &DMatrix<f64>) -> Result<DVector<f64>> {
    Ok(vech(&metric.whiten(at, x)?))
}

fn velocity(metric: ExtendedKernel<'_>, at: &Spd, x: &DVector<f64>) -> Result<DMatrix<f64>> {
    metric.unwhiten(at, &unvech(x)?)
}

/// W_Λ(Λ − Exp_Σ(X)) as a vector: to first order the remaining distance.
fn residual(metric: ExtendedKernel<'_>, at: &Spd, to: &Spd, x: &DVector<f64>) -> Result<DVector<f64>> {
    let end = metric.exp(at, &velocity(metric, at, x)?)?;
    coordinates(metric, to, &(to.matrix() - end.matrix()))
}

/// Newton's method with a Jacobian of differences, then Broyden's updates; a fresh Jacobian when progress stalls.
fn solve(metric: ExtendedKernel<'_>, at: &Spd, to: &Spd, mut x: DVector<f64>) -> Result<DVector<f64>> {
    let floor = (10.0 * TOLERANCE).max(FLOOR * at.condition_number().max(to.condition_number()));
    let mut r = residual(metric, at, to, &x)?;
    let mut jacobian = differences(metric, at, to, &x, &r)?;
    let mut best = (r.norm(), x.clone());
    let mut stalled = 0;
    for _ in 0..MAX_ITERATIONS {
        if best.0 <= TOLERANCE * best.1.norm() {
            return Ok(best.1);
        }
        let Some(mut step) = jacobian.clone().lu().solve(&-&r) else {
            break;
        };
        let Some((next, next_r)) = damped(metric, at, to, &x, &mut step, r.norm()) else {
            if best.0 <= floor * best.1.norm() {
                return Ok(best.1);
            }
            stalled += 1;
            if stalled > 2 {
                break;
            }
            jacobian = differences(metric, at, to, &x, &r)?;
            continue;
        };
        let change = &next_r - &r - &jacobian * &step;
        let length = step.norm_squared();
        if length > 0.0 {
            jacobian += change * step.transpose() / length;
        }
        (x, r) = (next, next_r);
        if r.norm() < best.0 {
            best = (r.norm(), x.clone());
        }
    }
    if best.0 <= floor * best.1.norm() {
        return Ok(best.1);
    }
    Err(Error::NoConvergence {
        what: "shooting for the logarithm",
        iterations: MAX_ITERATIONS,
        residual: best.0 / best.1.norm(),
        tolerance: TOLERANCE,
    })
}

/// The longest of step, step/2, … that stays in the domain and lowers the residual.
fn damped(
    metric: ExtendedKernel<'_>,
    at: &Spd,
    to: &Spd,
    x: &DVector<f64>,
    step: &mut DVector<f64>,
    bound: f64,
) -> Option<(DVector<f64>, DVector<f64>)> {
    for _ in 0..5 {
        let next = x + &*step;
        if let Ok(r) = residual(metric, at, to, &next)
            && r.norm() < bound
        {
            return Some((next, r));
        }
        *step *= 0.5;
    }
    None
}

fn differences(
    metric: ExtendedKernel<'_>,
    at: &Spd,
    to: &Spd,
    x: &DVector<f64>,
    r: &DVector<f64>,
) -> Result<DMatrix<f64>> {
    let n = x.len();
    let h = DIFFERENCE * x.norm();
    let mut jacobian = DMatrix::zeros(n, n);
    for j in 0..n {
        let mut shifted = x.clone();
        shifted[j] += h;
        jacobian.set_column(j, &((residual(metric, at, to, &shifted)? - r) / h));
    }
    Ok(jacobian)
}
