//! Logarithms without closed form: shooting.

use nalgebra::{DMatrix, DVector};

use super::ExtendedKernel;
use super::chart::{self, Chart};
use super::flow::{Flow, unit_time};
use super::integrator::{Integrator, Outcome, tolerance};
use crate::eigen::symmetric_eigen;
use crate::error::{Error, Result};
use crate::matrix_functions::{ScalarFunction, from_eigenbasis, hadamard};
use crate::spd::Spd;
use crate::vech::{unvech, vech};

/// Residual at which the logarithm is accepted, relative to its norm.
const TOLERANCE: f64 = 1e-13;
/// Residual that still counts as converged when rounding stops the progress, times the condition number.
const FLOOR: f64 = 500.0 * f64::EPSILON;
const MAX_ITERATIONS: usize = 40;
const MAX_HALVINGS: usize = 4;
/// Evaluations of the flow for one logarithm at most; some thousand are usual at order 3, some ten thousand at 16.
const EVALUATIONS: usize = 100_000;
/// Relative step of the one-sided differences of the Jacobian, and the tolerance of the arcs they are taken of: the
/// differences are those of one sequence of integration steps, so that its error cancels to first order.
const DIFFERENCE: f64 = 1e-6;
const JACOBIAN_RTOL: f64 = 1e-8;
/// How much longer than the straight line of the chart a geodesic may come out by rounding.
const LENGTH_TOLERANCE: f64 = 1e-9;
/// Pieces of a path that is shortened, and when that ends: after so many sweeps, or one that shortened by less.
const SEGMENTS: usize = 8;
const MAX_SWEEPS: usize = 40;
const SHORTENING: f64 = 1e-3;
/// A geodesic whose steps shrink by this much has left SPD(n): shooting need not know exactly where.
const SMALLEST_STEP: f64 = 1e-3;

/// Solves Exp_Σ(X) = Λ.
///
/// Points are seen in the chart in which geodesics between commuting points are straight. A geodesic longer than the
/// straight line of the chart is not the shortest one: then, or when nothing converges, that line is shortened first.
pub(super) fn log(metric: ExtendedKernel<'_>, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
    let f = chart::function(metric);
    let start = Chart::new(metric, f, at.eigen().clone())?;
    let end = Chart::new(metric, f, to.eigen().clone())?;
    let straight = start.coordinates(metric, &(&end.image - &start.image))?;
    if straight.norm() == 0.0 {
        return Ok(DMatrix::zeros(at.order(), at.order()));
    }
    let bound = start.length_to(&end, metric)? * (1.0 + LENGTH_TOLERANCE);
    let mut shot = Shot::new(metric, at, f, to);
    let mut best = match shot.solve(&end, straight.clone()) {
        Ok(x) if x.norm() <= bound => return shot.velocity(&x),
        other => other,
    };
    if best.is_err() {
        for halvings in 1..=MAX_HALVINGS {
            best = continued(&mut shot, &start, &end, &straight, 1 << halvings);
            if best.is_ok() {
                break;
            }
        }
    }
    if !best.as_ref().is_ok_and(|x| x.norm() <= bound)
        && let Ok(guess) = shortened(metric, [at, to], [&start, &end])
        && let Ok(x) = shot.solve(&end, guess)
        && best.as_ref().ok().is_none_or(|longer| x.norm() < longer.norm())
    {
        best = Ok(x);
    }
    shot.velocity(&best?)
}

/// The velocity, in coordinates, of the straight line of the chart after it was shortened: every inner point moves to the
/// middle of its neighbours, again and again (Birkhoff).
fn shortened(metric: ExtendedKernel<'_>, [at, to]: [&Spd; 2], [start, end]: [&Chart; 2]) -> Result<DVector<f64>> {
    let mut path = vec![at.clone()];
    for i in 1..SEGMENTS {
        path.push(start.between(end, i as f64 / SEGMENTS as f64, metric)?.point()?);
    }
    path.push(to.clone());
    let mut last = f64::INFINITY;
    for _ in 0..MAX_SWEEPS {
        let mut length = 0.0;
        for parity in [1, 2] {
            for i in (parity..SEGMENTS).step_by(2) {
                let chord = short(metric, &path[i - 1], &path[i + 1])?;
                if parity == 1 {
                    length += metric.inner(&path[i - 1], &chord, &chord)?.max(0.0).sqrt();
                }
                path[i] = metric.exp(&path[i - 1], &(chord * 0.5))?;
            }
        }
        if length > last * (1.0 - SHORTENING) {
            break;
        }
        last = length;
    }
    let velocity = short(metric, at, &path[1])? * SEGMENTS as f64;
    Ok(vech(&metric.whiten_in_eigenbasis(at, &velocity)?))
}

/// The logarithm of a nearby point.
fn short(metric: ExtendedKernel<'_>, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
    let f = chart::function(metric);
    let start = Chart::new(metric, f, at.eigen().clone())?;
    let end = Chart::new(metric, f, to.eigen().clone())?;
    let straight = start.coordinates(metric, &(&end.image - &start.image))?;
    let mut shot = Shot::new(metric, at, f, to);
    let x = if straight.norm() == 0.0 {
        straight
    } else {
        shot.solve(&end, straight)?
    };
    shot.velocity(&x)
}

/// The solution for Λ through those for `stages` targets on the straight line of the chart.
fn continued(
    shot: &mut Shot<'_>,
    start: &Chart,
    end: &Chart,
    straight: &DVector<f64>,
    stages: usize,
) -> Result<DVector<f64>> {
    let mut x = straight / stages as f64;
    for stage in 1..=stages {
        if stage > 1 {
            x *= stage as f64 / (stage - 1) as f64;
        }
        x = if stage == stages {
            shot.solve(end, x)?
        } else {
            let s = stage as f64 / stages as f64;
            shot.solve(&start.between(end, s, shot.metric)?, x)?
        };
    }
    Ok(x)
}

/// Geodesics from one point.
struct Shot<'a> {
    metric: ExtendedKernel<'a>,
    at: &'a Spd,
    f: ScalarFunction,
    flow: Flow<'a>,
    integrator: Integrator,
    rtol: f64,
    floor: f64,
}

impl<'a> Shot<'a> {
    fn new(metric: ExtendedKernel<'a>, at: &'a Spd, f: ScalarFunction, to: &Spd) -> Self {
        let size = at.order() * at.order();
        let condition = at.condition_number().max(to.condition_number());
        let mut integrator = Integrator::new(2 * size, size);
        integrator.smallest_step = SMALLEST_STEP;
        let mut flow = Flow::new(metric, at.order(), false);
        flow.budget = EVALUATIONS;
        Self {
            metric,
            at,
            f,
            flow,
            integrator,
            rtol: tolerance(at.condition_number()),
            floor: (10.0 * TOLERANCE).max(FLOOR * condition),
        }
    }

    /// The tangent vector of given coordinates, in the eigenbasis.
    fn seen(&self, x: &DVector<f64>) -> Result<DMatrix<f64>> {
        let mut white = self.metric.trace_term().frobenius_inverse(unvech(x)?)?;
        let kernel = self.metric.kernel();
        hadamard(self.at.eigen(), |a, b| kernel.phi(a, b).sqrt(), &mut white);
        Ok(white)
    }

    fn velocity(&self, x: &DVector<f64>) -> Result<DMatrix<f64>> {
        Ok(from_eigenbasis(self.at.eigen(), &self.seen(x)?))
    }

    /// Σ and p = G(X) for the velocity of these coordinates, and the time in which it changes Σ by as much as itself.
    fn state(&self, x: &DVector<f64>) -> Result<(Vec<f64>, f64)> {
        let seen = self.seen(x)?;
        let unit = unit_time(self.at, &from_eigenbasis(self.at.eigen(), &seen));
        let p = self.metric.frame(self.at.eigenvalues().as_slice())?.flat(&seen);
        let mut state = self.at.matrix().as_slice().to_vec();
        state.extend_from_slice(from_eigenbasis(self.at.eigen(), &p).as_slice());
        Ok((state, unit))
    }

    /// The coordinates at Λ of the way from Λ to the end of a geodesic: the remaining distance to first order.
    fn miss(&self, target: &Chart, state: &[f64]) -> Result<DVector<f64>> {
        let n = self.at.order();
        let end = symmetric_eigen(&DMatrix::from_column_slice(n, n, &state[..n * n]));
        if end.values[0].is_nan() || end.values[0] <= 0.0 {
            return Err(Error::LeftDomain { t: 1.0 });
        }
        target.coordinates(self.metric, &(end.map(|d| self.f.value(d)) - &target.image))
    }

    fn residual(&mut self, target: &Chart, x: &DVector<f64>, rtol: f64) -> Result<DVector<f64>> {
        let (mut state, first) = self.state(x)?;
        match self.integrator.integrate(&mut self.flow, &mut state, first, 1.0, rtol) {
            Outcome::Finished => self.miss(target, &state),
            Outcome::Left { t } => Err(Error::LeftDomain { t }),
        }
    }

    /// Derivative of the residual by differences.
    fn jacobian(&mut self, target: &Chart, x: &DVector<f64>) -> Result<DMatrix<f64>> {
        let r = self.residual(target, x, JACOBIAN_RTOL.max(self.rtol))?;
        let steps = self.integrator.steps.clone();
        let h = DIFFERENCE * x.norm();
        let mut jacobian = DMatrix::zeros(x.len(), x.len());
        let mut shifted = x.clone();
        for j in 0..x.len() {
            shifted[j] = x[j] + h;
            let (mut state, _) = self.state(&shifted)?;
            self.integrator
                .replay(&mut self.flow, &mut state, &steps)
                .map_err(|_| Error::LeftDomain { t: 1.0 })?;
            jacobian.set_column(j, &((self.miss(target, &state)? - &r) / h));
            shifted[j] = x[j];
        }
        Ok(jacobian)
    }

    /// Newton's method with a Jacobian of differences, then Broyden's updates; a fresh Jacobian when progress stalls.
    fn solve(&mut self, target: &Chart, mut x: DVector<f64>) -> Result<DVector<f64>> {
        let mut r = self.residual(target, &x, self.rtol)?;
        let mut best = (r.norm(), x.clone());
        if best.0 <= TOLERANCE * x.norm() {
            return Ok(x);
        }
        let mut jacobian = self.jacobian(target, &x)?;
        let mut stalled = 0;
        for _ in 0..MAX_ITERATIONS {
            let Some(mut step) = jacobian.clone().lu().solve(&-&r) else {
                break;
            };
            let at_floor = best.0 <= self.floor * best.1.norm();
            // Where rounding rules, shorter steps are no better.
            let trials = if at_floor { 1 } else { 5 };
            let Some((next, next_r)) = self.damped(target, &x, &mut step, r.norm(), trials) else {
                stalled += 1;
                if at_floor || stalled > 2 {
                    break;
                }
                jacobian = self.jacobian(target, &x)?;
                continue;
            };
            let change = &next_r - &r - &jacobian * &step;
            let length = step.norm_squared();
            if length > 0.0 {
                jacobian += change * step.transpose() / length;
            }
            let slow = next_r.norm() > 0.3 * r.norm();
            (x, r) = (next, next_r);
            if r.norm() < best.0 {
                best = (r.norm(), x.clone());
            }
            if best.0 <= TOLERANCE * best.1.norm() {
                return Ok(best.1);
            }
            if slow && !at_floor {
                jacobian = self.jacobian(target, &x)?;
            }
        }
        if best.0 <= self.floor * best.1.norm() {
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
        &mut self,
        target: &Chart,
        x: &DVector<f64>,
        step: &mut DVector<f64>,
        bound: f64,
        trials: usize,
    ) -> Option<(DVector<f64>, DVector<f64>)> {
        for _ in 0..trials {
            let next = x + &*step;
            if let Ok(r) = self.residual(target, &next, self.rtol)
                && r.norm() < bound
            {
                return Some((next, r));
            }
            *step *= 0.5;
        }
        None
    }
}
