//! Geometric medians.

use nalgebra::{DMatrix, DVector};

use super::{MeanOptions, MeanReport, checked_weights};
use crate::batch::SpdBatch;
use crate::error::Result;
use crate::metric::Metric;
use crate::spd::Spd;

/// Distance to a point, relative to the largest one, below which the iterate counts as that point.
const COINCIDENCE: f64 = 1e-12;

/// Geometric median under any metric: the minimiser of Σ wᵢ d(M, Xᵢ), by Weiszfeld's iteration with the rule of Vardi and
/// Zhang (2000) at the data points, from the mean of the metric.
///
/// M ← Exp_M(Σ cᵢ Log_M Xᵢ / Σ cᵢ), cᵢ = wᵢ/d(M, Xᵢ). The gradient norm is ‖Σ wᵢ Log_M Xᵢ/dᵢ‖_M, free of units and at
/// most 1; at a data point the excess over its weight. Convergence is linear: give some hundred iterations for 1e-12.
/// Unique for non-positive curvature unless the points are collinear (Fletcher, Venkatasubramanian and Joshi 2009).
/// [`Metric::median`] is this, without exponentials and logarithms where the metric is flat.
///
/// # Errors
/// As [`frechet`](super::frechet).
///
/// ```
/// use hadamard_geometry::{SpdBatch, mean::{MeanOptions, median}, metrics::AffineInvariant};
/// use nalgebra::dmatrix;
///
/// // The middle one of three points of a geodesic, however far the third is away.
/// let batch = SpdBatch::try_from_matrices(&[dmatrix![1.0], dmatrix![2.0], dmatrix![1e6]])?;
/// let report = median(&AffineInvariant::default(), &batch, None, &MeanOptions::default())?;
/// assert!((report.mean.matrix()[(0, 0)] - 2.0).abs() < 1e-10);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn median<M: Metric + ?Sized>(
    metric: &M,
    batch: &SpdBatch,
    weights: Option<&[f64]>,
    options: &MeanOptions,
) -> Result<MeanReport> {
    let points: Vec<(Spd, f64)> = checked_weights(batch, weights)?
        .into_iter()
        .map(|(i, w)| (batch.get(i), w))
        .collect();
    let mut current = metric.mean(batch, weights, options)?.mean;
    let mut iterations = 0;
    loop {
        let Pull {
            direction,
            gradient_norm,
        } = pull(metric, &current, &points)?;
        if gradient_norm <= options.tolerance || iterations == options.max_iterations {
            return Ok(MeanReport {
                mean: current,
                iterations,
                gradient_norm,
                certified_error: None,
                converged: gradient_norm <= options.tolerance,
            });
        }
        current = metric.exp(&current, &direction)?;
        iterations += 1;
    }
}

/// The same for a flat metric, on points in coordinates in which it is Euclidean: no exponential, no logarithm. The
/// median, and the report without it.
pub(crate) fn euclidean(points: &[(DVector<f64>, f64)], options: &MeanOptions) -> MeanReport<DVector<f64>> {
    let mut current = DVector::zeros(points[0].0.len());
    for (x, w) in points {
        current += x * *w;
    }
    let mut iterations = 0;
    loop {
        let distances: Vec<f64> = points.iter().map(|(x, _)| (x - &current).norm()).collect();
        let farthest = distances.iter().copied().fold(0.0, f64::max);
        let mut direction = DVector::zeros(current.len());
        let (mut total, mut here) = (0.0, 0.0);
        for ((x, weight), &distance) in points.iter().zip(&distances) {
            if distance <= COINCIDENCE * farthest || farthest == 0.0 {
                here += weight;
            } else {
                direction += (x - &current) * (weight / distance);
                total += weight / distance;
            }
        }
        let force = direction.norm();
        let gradient_norm = (force - here).max(0.0);
        if gradient_norm <= options.tolerance || iterations == options.max_iterations {
            return MeanReport {
                mean: current,
                iterations,
                gradient_norm,
                certified_error: None,
                converged: gradient_norm <= options.tolerance,
            };
        }
        current += direction * (gradient_norm / force / total);
        iterations += 1;
    }
}

/// The Weiszfeld step at a point.
struct Pull {
    direction: DMatrix<f64>,
    gradient_norm: f64,
}

fn pull<M: Metric + ?Sized>(metric: &M, at: &Spd, points: &[(Spd, f64)]) -> Result<Pull> {
    let logs: Vec<(DMatrix<f64>, f64, f64)> = points
        .iter()
        .map(|(x, w)| {
            let log = metric.log(at, x)?;
            let distance = metric.norm(at, &log)?;
            Ok((log, distance, *w))
        })
        .collect::<Result<_>>()?;
    let farthest = logs.iter().map(|(_, d, _)| *d).fold(0.0, f64::max);
    let mut direction = DMatrix::zeros(at.order(), at.order());
    let (mut total, mut here) = (0.0, 0.0);
    for (log, distance, weight) in &logs {
        if *distance <= COINCIDENCE * farthest || farthest == 0.0 {
            here += weight;
        } else {
            direction += log * (weight / distance);
            total += weight / distance;
        }
    }
    let force = metric.norm(at, &direction)?;
    let gradient_norm = (force - here).max(0.0);
    if total > 0.0 && force > 0.0 {
        direction *= gradient_norm / force / total;
    }
    Ok(Pull {
        direction,
        gradient_norm,
    })
}
