//! Geometric means by recursion on the number of matrices.

use super::{MeanOptions, MeanReport};
use crate::batch::SpdBatch;
use crate::error::{Error, Result};
use crate::metric::Metric;
use crate::metrics::AffineInvariant;
use crate::spd::Spd;

/// Ando–Li–Mathias mean of up to 4 matrices: M_h ← the mean of the others, all at once (Ando, Li and Mathias 2004).
/// Linear convergence.
///
/// The gradient norm is the largest affine-invariant distance of the first iterate to the others, which it shall meet.
/// Cost: the recursion has O(k!) geodesic points an iteration, hence the limit of 4.
///
/// # Errors
/// [`Error::InvalidParameter`] for more than 4 matrices; [`Error::Empty`] for none.
pub fn ando_li_mathias(batch: &SpdBatch, options: &MeanOptions) -> Result<MeanReport> {
    recursive(batch, options, |_| 1.0)
}

/// Bini–Meini–Poloni mean of up to 4 matrices: M_h ← the point at (k−1)/k of the geodesic from M_h to the mean of the
/// others (Bini, Meini and Poloni 2010). Cubic convergence; differs from both the Karcher and the ALM mean. Gradient
/// norm and cost as [`ando_li_mathias`].
///
/// # Errors
/// As [`ando_li_mathias`].
pub fn bini_meini_poloni(batch: &SpdBatch, options: &MeanOptions) -> Result<MeanReport> {
    recursive(batch, options, |k| (k - 1) as f64 / k as f64)
}

fn recursive(batch: &SpdBatch, options: &MeanOptions, fraction: fn(usize) -> f64) -> Result<MeanReport> {
    if batch.is_empty() {
        return Err(Error::Empty { what: "batch" });
    }
    if batch.len() > 4 {
        return Err(Error::InvalidParameter {
            name: "number of matrices",
            value: batch.len() as f64,
            reason: "recursive means are offered for at most 4",
        });
    }
    let points: Vec<Spd> = (0..batch.len()).map(|i| batch.get(i)).collect();
    let (mean, iterations, gradient_norm) = mean_of(&points, options, fraction)?;
    Ok(MeanReport {
        mean,
        iterations,
        gradient_norm,
        certified_error: None,
        converged: gradient_norm <= options.tolerance,
    })
}

/// The mean, the iterations of the outermost level, and how far its iterates still are apart.
fn mean_of(points: &[Spd], options: &MeanOptions, fraction: fn(usize) -> f64) -> Result<(Spd, usize, f64)> {
    let metric = AffineInvariant::default();
    match points {
        [single] => return Ok((single.clone(), 0, 0.0)),
        [a, b] => return Ok((metric.geodesic(a, b, 0.5)?, 0, 0.0)),
        _ => {}
    }
    let k = points.len();
    let mut current = points.to_vec();
    let mut apart = spread(&current)?;
    for iteration in 0..options.max_iterations {
        if apart <= options.tolerance {
            return Ok((current.swap_remove(0), iteration, apart));
        }
        let next = (0..k)
            .map(|h| {
                let others: Vec<Spd> = (0..k).filter(|&i| i != h).map(|i| current[i].clone()).collect();
                let (mean, _, _) = mean_of(&others, options, fraction)?;
                metric.geodesic(&current[h], &mean, fraction(k))
            })
            .collect::<Result<Vec<Spd>>>()?;
        let next_apart = spread(&next)?;
        // Rounding: the iterates no longer approach each other.
        if next_apart >= apart && apart < 1e-6 {
            return Ok((current.swap_remove(0), iteration, apart));
        }
        (current, apart) = (next, next_apart);
    }
    Ok((current.swap_remove(0), options.max_iterations, apart))
}

fn spread(points: &[Spd]) -> Result<f64> {
    let metric = AffineInvariant::default();
    points[1..]
        .iter()
        .try_fold(0.0, |worst: f64, p| Ok(worst.max(metric.distance(&points[0], p)?)))
}
