//! Flows of particles to a target in logarithmic coordinates.

use super::cloud::LogCloud;
use super::gradient::{Curvature, Objective};
use super::packed::packed_len;
use crate::error::{Error, Result};

/// How a flow steps and when it stops.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FlowOptions {
    /// Largest number of steps.
    pub steps: usize,
    /// Length of a step, in (0, 2); 1 would jump to the minimum of the quadratic that the loss is between changes of
    /// order.
    pub factor: f64,
    /// Ends when a step changes the loss by less than this part of the first loss (0: never).
    pub tolerance: f64,
}

impl Default for FlowOptions {
    /// 20 steps of factor 0.3 without early end.
    fn default() -> Self {
        Self {
            steps: 20,
            factor: 0.3,
            tolerance: 0.0,
        }
    }
}

/// Where a flow went.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowReport {
    /// The particles at the end, with the masses they had.
    pub cloud: LogCloud,
    /// Loss before every step, so without that at the end; never rises (a step that would raise it is not taken, the
    /// next is half as long).
    pub losses: Vec<f64>,
    /// Whether the tolerance was met (false with tolerance 0).
    pub converged: bool,
}

/// Moves the points of `start` down `loss` with a preconditioned step.
///
/// SPDSW_2² has Hessian (2/n) E[A ⊗ A] in each log X_i as long as the order of the projections stays: on average 4/(n
/// d(d+2)) on the traceless part and 2/(n d) on the trace. The step divides by these ([`Objective::curvature`]):
/// gradient descent, which can go no further than the trace allows, takes about (d+2)/2 times as many steps. For
/// weighted points n is 1/a_i; points without mass stay. Each step of a sliced loss costs two matrix products and L
/// sorts.
///
/// # Errors
/// As [`Objective::value_and_gradient`]; [`Error::InvalidParameter`] for a factor outside (0, 2) or a negative
/// tolerance.
pub fn flow(loss: &impl Objective, start: &LogCloud, options: FlowOptions) -> Result<FlowReport> {
    if !(options.factor > 0.0 && options.factor < 2.0) {
        return Err(Error::InvalidParameter {
            name: "factor",
            value: options.factor,
            reason: "a preconditioned step has length in (0, 2)",
        });
    }
    if options.tolerance.is_nan() || options.tolerance < 0.0 {
        return Err(Error::InvalidParameter {
            name: "tolerance",
            value: options.tolerance,
            reason: "must not be negative",
        });
    }
    let curvature = loss.curvature();
    let mut cloud = start.clone();
    let mut losses = Vec::with_capacity(options.steps);
    let mut converged = false;
    let mut factor = options.factor;
    let mut gradient = loss.value_and_gradient(&cloud)?;
    let mut moved = false;
    for _ in 0..options.steps {
        losses.push(gradient.value);
        converged =
            moved && matches!(losses[..], [first, .., previous, last] if previous - last <= options.tolerance * first);
        if converged {
            break;
        }
        let mut next = cloud.clone();
        precondition(&mut next, &gradient.rows, curvature, factor);
        // A step out of the range of numbers is one that raises the loss.
        let trial = match loss.value_and_gradient(&next) {
            Err(Error::OutOfRange { .. }) => None,
            other => Some(other?).filter(|trial| trial.value <= gradient.value),
        };
        moved = trial.is_some();
        match trial {
            Some(trial) => (cloud, gradient) = (next, trial),
            // Few directions have larger curvatures than their mean: stay, and take half the step.
            None => factor *= 0.5,
        }
    }
    Ok(FlowReport {
        cloud,
        losses,
        converged,
    })
}

/// log X_i ← log X_i − factor (traceless part / its curvature + trace part / its curvature) of G_i / a_i.
fn precondition(cloud: &mut LogCloud, gradient: &[f64], curvature: Curvature, factor: f64) {
    let order = cloud.order();
    let d = order as f64;
    let masses: Option<Vec<f64>> = cloud.weights().map(<[f64]>::to_vec);
    let uniform = 1.0 / cloud.len() as f64;
    let size = packed_len(order);
    for (i, (row, gradient)) in cloud
        .rows_mut()
        .chunks_exact_mut(size)
        .zip(gradient.chunks_exact(size))
        .enumerate()
    {
        let mass = masses.as_ref().map_or(uniform, |w| w[i]);
        if mass == 0.0 {
            continue;
        }
        let traceless = factor / (curvature.traceless * mass);
        // The identity part has a factor of its own.
        let mean = super::packed::packed_trace(gradient, order) / d;
        let correction = mean * (traceless - factor / (curvature.trace * mass));
        let mut diagonal = 0;
        let mut step = order;
        for (k, (value, slope)) in row.iter_mut().zip(gradient).enumerate() {
            *value -= traceless * slope;
            if k == diagonal {
                *value += correction;
                diagonal += step;
                step -= 1;
            }
        }
    }
}
