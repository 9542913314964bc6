//! Geometric means by recursion on the number of matrices.

use super::{MeanOptions, MeanReport, checked_weights};
use crate::batch::SpdBatch;
use crate::error::{Error, Result};
use crate::metric::Metric;
use crate::metrics::AffineInvariant;
use crate::spd::Spd;

/// Ando–Li–Mathias mean of up to 4 matrices: M_h ← the mean of the others, all at once (Ando, Li and Mathias 2004).
/// Linear convergence. It has no weights: [`bini_meini_poloni`] does.
///
/// The gradient norm is the largest affine-invariant distance of the first iterate to the others, which it shall meet.
/// Cost: the recursion has O(k!) geodesic points an iteration, hence the limit of 4.
///
/// # Errors
/// [`Error::InvalidParameter`] for more than 4 matrices; [`Error::Empty`] for none.
pub fn ando_li_mathias(batch: &SpdBatch, options: &MeanOptions) -> Result<MeanReport> {
    recursive(batch, None, options, |_| 1.0)
}

/// Bini–Meini–Poloni mean of up to 4 matrices: M_h ← the point at 1 − w_h of the geodesic from M_h to the mean of the
/// others, whose weights are scaled to sum 1 again (Bini, Meini and Poloni 2010 for w_h = 1/k; Lawson and Lim, PNAS 110,
/// 2013, for weights). `weights` are not negative and are scaled to sum 1; `None` means equal ones.
///
/// Cubic convergence for equal weights; differs from both the Karcher and the ALM mean. Gradient norm and cost as
/// [`ando_li_mathias`].
///
/// # Errors
/// As [`ando_li_mathias`], for the matrices whose weight is not zero; [`Error::InvalidWeights`],
/// [`Error::DimensionMismatch`] for a wrong number of weights.
pub fn bini_meini_poloni(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    recursive(batch, weights, options, |weight| 1.0 - weight)
}

/// `fraction` says for the weight of a matrix how far it goes towards the mean of the others.
fn recursive(
    batch: &SpdBatch,
    weights: Option<&[f64]>,
    options: &MeanOptions,
    fraction: fn(f64) -> f64,
) -> Result<MeanReport> {
    let weights = checked_weights(batch, weights)?;
    if weights.len() > 4 {
        return Err(Error::InvalidParameter {
            name: "number of matrices",
            value: weights.len() as f64,
            reason: "recursive means are offered for at most 4",
        });
    }
    let (points, weights): (Vec<Spd>, Vec<f64>) = weights.into_iter().map(|(i, w)| (batch.get(i), w)).unzip();
    let (mean, iterations, gradient_norm) = mean_of(&points, &weights, options, fraction)?;
    Ok(MeanReport {
        mean,
        iterations,
        gradient_norm,
        certified_error: None,
        converged: gradient_norm <= options.tolerance,
    })
}

/// The mean, the iterations of the outermost level, and how far its iterates still are apart. The weights sum to 1.
fn mean_of(
    points: &[Spd],
    weights: &[f64],
    options: &MeanOptions,
    fraction: fn(f64) -> f64,
) -> Result<(Spd, usize, f64)> {
    let metric = AffineInvariant::default();
    match points {
        [single] => return Ok((single.clone(), 0, 0.0)),
        [a, b] => return Ok((metric.geodesic(a, b, weights[1])?, 0, 0.0)),
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
                let others = (0..k).filter(|&i| i != h);
                let rest: f64 = others.clone().map(|i| weights[i]).sum();
                let (others, shares): (Vec<Spd>, Vec<f64>) =
                    others.map(|i| (current[i].clone(), weights[i] / rest)).unzip();
                let (mean, _, _) = mean_of(&others, &shares, options, fraction)?;
                metric.geodesic(&current[h], &mean, fraction(weights[h]))
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
