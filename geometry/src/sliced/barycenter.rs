//! Sliced-Wasserstein barycentres of measures.

use super::cloud::{LogCloud, checked_weights};
use super::directions::DirectionBank;
use super::flow::{FlowOptions, FlowReport, descend};
use super::gradient::{Gradient, SlicedLoss};
use crate::error::{Error, Result};

/// Free-support barycentre: minimises Σ_k w_k SPDSW_2²(μ, ν_k) over the points of μ, from those of `start`.
///
/// `weights` are non-negative of sum 1. With one particle and Dirac measures the minimiser is the log-Euclidean mean.
/// Costs K times a step of [`flow`](super::flow) each.
///
/// # Errors
/// [`Error::Empty`] without a measure, [`Error::InvalidWeights`], [`Error::DimensionMismatch`] for another order.
pub fn barycenter(
    bank: &DirectionBank,
    measures: &[&LogCloud],
    weights: &[f64],
    start: &LogCloud,
    options: FlowOptions,
) -> Result<FlowReport> {
    if measures.is_empty() {
        return Err(Error::Empty {
            what: "list of measures",
        });
    }
    let weights = checked_weights(weights, measures.len())?;
    let losses = measures
        .iter()
        .map(|m| SlicedLoss::try_new(bank, m, 2.0))
        .collect::<Result<Vec<_>>>()?;
    descend(start, options, |cloud| {
        let mut total = Gradient {
            value: 0.0,
            rows: vec![0.0; cloud.rows().len()],
        };
        for (loss, &weight) in losses.iter().zip(&weights) {
            let part = loss.value_and_gradient(cloud)?;
            total.value += weight * part.value;
            total
                .rows
                .iter_mut()
                .zip(&part.rows)
                .for_each(|(sum, g)| *sum += weight * g);
        }
        Ok(total)
    })
}
