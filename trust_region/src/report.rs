//! What a solver says about where it ended.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::method::StepKind;

/// Why an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// ‖F‖ ≤ tolerance + relative tolerance · ‖F(x₀)‖, in the norm of [`Solver::root_norm`](crate::Solver::root_norm).
    Root,
    /// The number of iterations reached its limit.
    MaxIterations,
    /// The number of residual evaluations reached its limit.
    MaxEvaluations,
    /// No step of any length above the floor of the radius lowered ‖F‖ enough.
    RadiusTooSmall,
    /// Steps are accepted but gain nearly nothing.
    NoProgress,
    /// The scaled gradient vanishes while ‖F‖ does not: first-order point of the least-squares problem, no root.
    Stationary,
    /// An entry of the scaling matrix is not positive and finite: the iterate is at a bound to working precision.
    ScalingBreakdown,
    /// J became NaN or infinite at every acceptable point.
    NonFiniteJacobian,
    /// The observer asked to stop.
    Stopped,
}

impl Exit {
    /// Whether a root was found.
    pub fn is_root(self) -> bool {
        self == Self::Root
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Root => "root",
            Self::MaxIterations => "iteration limit",
            Self::MaxEvaluations => "evaluation limit",
            Self::RadiusTooSmall => "radius too small",
            Self::NoProgress => "no progress",
            Self::Stationary => "stationary, not a root",
            Self::ScalingBreakdown => "scaling broke down",
            Self::NonFiniteJacobian => "Jacobian not finite",
            Self::Stopped => "stopped by the observer",
        })
    }
}

/// The end of a solve: the best point met.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The point, in the box.
    pub x: Vec<f64>,
    /// F(x).
    pub residual: Vec<f64>,
    /// ‖F(x)‖₂ (after the row weights, when there are any).
    pub norm: f64,
    /// Why the run that found it ended.
    pub exit: Exit,
    /// First-order measure √L ‖P(x − g/L) − x‖/‖F‖ with L = ‖J‖_F², in \[0, 1\]: the square root of the relative decrease
    /// of ‖F‖² that one projected gradient step guarantees. NaN for roots, of which it says nothing, for matrix-free
    /// Jacobians and where J is not finite.
    pub optimality: f64,
    /// Whether that measure is at most 1e-6: with no root, a local minimum of ‖F‖ to that accuracy.
    pub stationary: bool,
    /// Variables within 1e-8 max(1, |bound|) of a bound.
    pub active: Vec<usize>,
    /// ‖J⁻¹F‖ at a root of a square system, with the J that the last step was made of: the error of x to first order. `None`
    /// where J has no factors (singular, or solved by iterations).
    pub error_estimate: Option<f64>,
    /// Accepted steps, over all starts.
    pub iterations: usize,
    /// Evaluations of F by the method, over all starts.
    pub evaluations: usize,
    /// Evaluations of J by the method, over all starts; one more for `optimality` is not counted.
    pub jacobians: usize,
    /// Evaluations of F for differences in these J.
    pub jacobian_evaluations: usize,
    /// Newton steps that needed the shortest least-squares solution, or LSMR after GMRES.
    pub shortest_steps: usize,
    /// Iterations of GMRES and LSMR.
    pub linear_iterations: usize,
    /// The radius with which the next step would have been tried: what [`Solver::resume`](crate::Solver::resume) goes on
    /// with.
    pub radius: f64,
    /// Starts after the first.
    pub restarts: usize,
}

/// One accepted step, as observers see it.
#[derive(Debug, Clone, Copy)]
pub struct Iteration<'a> {
    /// Number of the step within its start, from 1.
    pub iteration: usize,
    /// Number of the start, from 0.
    pub start: usize,
    /// The point before the step.
    pub x: &'a [f64],
    /// The point after it.
    pub next: &'a [f64],
    /// ‖F‖ before and after.
    pub norms: (f64, f64),
    /// The radius that the step was made with.
    pub radius: f64,
    /// Trials refused before it.
    pub refused: usize,
    /// Actual over predicted decrease.
    pub ratio: f64,
    /// What the step was made of.
    pub kind: StepKind,
    /// Evaluations of F so far in this start.
    pub evaluations: usize,
}

/// Sees every start and every accepted step, and may stop the solve at either: for progress reports and cancellation. Any
/// closure that takes an [`Iteration`] is one.
///
/// To stop in the middle of an iteration, return an error from the residual: it comes back unchanged as
/// [`Error::User`](crate::Error::User).
pub trait Observer {
    /// Called before the first step of each start, with its number from 0, its point and ‖F‖ there.
    fn start(&mut self, _number: usize, _x: &[f64], _norm: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after each accepted step.
    fn iteration(&mut self, step: &Iteration<'_>) -> ControlFlow<()>;
}

impl<T: FnMut(&Iteration<'_>) -> ControlFlow<()>> Observer for T {
    fn iteration(&mut self, step: &Iteration<'_>) -> ControlFlow<()> {
        self(step)
    }
}

/// Sees nothing, stops nothing.
pub(crate) struct Silent;

impl Observer for Silent {
    fn iteration(&mut self, _step: &Iteration<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
