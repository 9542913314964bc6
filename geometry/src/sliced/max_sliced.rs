//! The max-sliced distance: the direction along which two measures differ most.

use nalgebra::DMatrix;

use super::cloud::LogCloud;
use super::directions::DirectionBank;
use super::one_dimensional::{Exponent, walk_weighted};
use super::packed::unpack;
use super::spdsw::{POWERS, log_euclidean};
use crate::eigen::power_of_two_scale;
use crate::error::{Error, Result, in_range};

/// Steps of ascent from each start.
const STEPS: usize = 100;

/// The largest projected distance found.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxSliced {
    /// W_2 along [`Self::direction`].
    pub distance: f64,
    /// Unit-norm symmetric A: which combination of log covariances carries the difference.
    pub direction: DMatrix<f64>,
}

/// Max-SPDSW_2 = max over unit-norm symmetric A of W_2(⟨A, log ·⟩_# μ, ⟨A, log ·⟩_# ν), by ascent from the `starts`
/// best directions of the bank and from the difference of the means.
///
/// For a frozen coupling the objective is the convex quadratic ⟨A, C A⟩, so that A ← C A/‖C A‖ climbs it; the coupling
/// is then renewed. The best direction seen is returned: a lower bound of the maximum, which itself lies between every
/// sampled direction and W_2 with the log-Euclidean ground cost. Each step costs O((n+m)(d² + log(n+m))).
///
/// # Errors
/// [`DimensionMismatch`](crate::Error::DimensionMismatch) for another order,
/// [`OutOfRange`](crate::Error::OutOfRange) when squares of projections leave the range of numbers.
pub fn max_spdsw(bank: &DirectionBank, a: &LogCloud, b: &LogCloud, starts: usize) -> Result<MaxSliced> {
    let sampled = log_euclidean(bank, a, b, Exponent::Two)?;
    let mut ranked: Vec<usize> = (0..sampled.len()).collect();
    ranked.sort_by(|&i, &j| sampled[j].total_cmp(&sampled[i]).then(i.cmp(&j)));
    let mut candidates: Vec<Vec<f64>> = ranked.iter().take(starts.max(1)).map(|&l| bank.packed(l)).collect();
    candidates.push(a.mean().iter().zip(b.mean()).map(|(x, y)| x - y).collect());
    let mut best = (-1.0, Vec::new());
    for mut direction in candidates {
        if !normalise(&mut direction) {
            continue;
        }
        let mut previous = -1.0;
        for _ in 0..STEPS {
            let (value, mut next) = value_and_ascent(&direction, a, b);
            if value > best.0 {
                best = (value, direction.clone());
            }
            let settled = value <= previous * (1.0 + 4.0 * f64::EPSILON);
            if settled || !normalise(&mut next) {
                break;
            }
            previous = value;
            direction = next;
        }
    }
    let (value, direction) = best;
    if direction.is_empty() {
        // Directions of norm zero, or squares that are no numbers.
        return Err(Error::OutOfRange { what: POWERS });
    }
    let [value] = in_range(POWERS, [value])?;
    Ok(MaxSliced {
        distance: value.max(0.0).sqrt(),
        direction: unpack(&direction, bank.order()),
    })
}

/// W_2² along a unit direction and Σ mass ⟨A, x − y⟩ (x − y) over its coupling.
fn value_and_ascent(direction: &[f64], a: &LogCloud, b: &LogCloud) -> (f64, Vec<f64>) {
    let sorted = |cloud: &LogCloud| -> Vec<(f64, usize)> {
        let rows = cloud.rows().chunks_exact(direction.len());
        let mut order: Vec<(f64, usize)> = rows
            .map(|row| row.iter().zip(direction).map(|(x, y)| x * y).sum())
            .zip(0..)
            .collect();
        order.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        order
    };
    let (u, v) = (sorted(a), sorted(b));
    let mut ascent = vec![0.0; direction.len()];
    let mut value = 0.0;
    let mut visit = |i: usize, j: usize, mass: f64| {
        let residual = u[i].0 - v[j].0;
        value += mass * residual * residual;
        let pair = a.point(u[i].1).iter().zip(b.point(v[j].1));
        ascent
            .iter_mut()
            .zip(pair)
            .for_each(|(sum, (x, y))| *sum += mass * residual * (x - y));
    };
    let masses = |order: &[(f64, usize)], cloud: &LogCloud| -> Vec<(f64, f64)> {
        let mass = |i: usize| cloud.weights().map_or(1.0 / cloud.len() as f64, |w| w[i]);
        order.iter().map(|&(x, i)| (x, mass(i))).collect()
    };
    walk_weighted(&masses(&u, a), &masses(&v, b), &mut visit);
    (value, ascent)
}

/// Scales to norm one; false for zero and for what is not finite.
fn normalise(direction: &mut [f64]) -> bool {
    // The squares of directions of any norm stay in range.
    let unit = power_of_two_scale(direction);
    direction.iter_mut().for_each(|x| *x *= unit);
    let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    if !norm.is_finite() || norm == 0.0 {
        return false;
    }
    direction.iter_mut().for_each(|x| *x /= norm);
    true
}
