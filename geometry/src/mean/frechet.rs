//! Fréchet means under any metric.

use nalgebra::DMatrix;

use super::{MeanOptions, MeanReport, checked_weights, log_euclidean};
use crate::batch::SpdBatch;
use crate::error::Result;
use crate::metric::Metric;
use crate::spd::Spd;

/// Fréchet mean by Riemannian gradient descent M ← Exp_M(τ Σ wᵢ Log_M Xᵢ), from the log-Euclidean mean; τ starts at 1
/// and is halved when the gradient norm ‖Σ wᵢ Log_M Xᵢ‖_M does not shrink by τ/4 or a step leaves the manifold.
///
/// The gradient norm is reported relative to √(Σ wᵢ d(M, Xᵢ)²), so that it is free of units. Cost: an exponential and N
/// logarithms of the metric for each step tried.
/// [`Metric::mean`] prefers closed forms and faster iterations where there are any.
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean), and those of the metric's logarithm. A mean that has not converged is
/// returned and says so.
pub fn frechet<M: Metric + ?Sized>(
    metric: &M,
    batch: &SpdBatch,
    weights: Option<&[f64]>,
    options: &MeanOptions,
) -> Result<MeanReport> {
    let points: Vec<(Spd, f64)> = checked_weights(batch, weights)?
        .into_iter()
        .map(|(i, w)| (batch.get(i), w))
        .collect();
    let mut mean = log_euclidean(batch, weights)?;
    let mut state = gradient(metric, &mean, &points)?;
    let mut step = 1.0;
    let mut iterations = 0;
    while state.relative > options.tolerance && iterations < options.max_iterations && step > 1e-6 {
        iterations += 1;
        let moved = metric.exp(&mean, &(&state.direction * step)).and_then(|next| {
            let state = gradient(metric, &next, &points)?;
            Ok((next, state))
        });
        match moved {
            // A step below the inverse of the largest Hessian eigenvalue shrinks the gradient by this much at least.
            Ok((next, next_state)) if next_state.norm <= (1.0 - 0.25 * step) * state.norm => {
                (mean, state) = (next, next_state);
            }
            _ => step *= 0.5,
        }
    }
    Ok(MeanReport {
        mean,
        iterations,
        gradient_norm: state.relative,
        certified_error: None,
        converged: state.relative <= options.tolerance,
    })
}

struct Gradient {
    direction: DMatrix<f64>,
    norm: f64,
    relative: f64,
}

fn gradient<M: Metric + ?Sized>(metric: &M, at: &Spd, points: &[(Spd, f64)]) -> Result<Gradient> {
    let mut direction = DMatrix::zeros(at.order(), at.order());
    let mut spread = 0.0;
    for (x, w) in points {
        let log = metric.log(at, x)?;
        spread += w * metric.inner(at, &log, &log)?.max(0.0);
        direction += log * *w;
    }
    let norm = metric.norm(at, &direction)?;
    Ok(Gradient {
        direction,
        norm,
        relative: if norm == 0.0 { 0.0 } else { norm / spread.sqrt() },
    })
}
