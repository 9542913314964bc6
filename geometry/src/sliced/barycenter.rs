//! Sliced-Wasserstein barycentres of measures.

use super::cloud::{LogCloud, checked_weights};
use super::directions::DirectionBank;
use super::flow::{FlowOptions, FlowReport, flow};
use super::gradient::{Curvature, Gradient, Objective, SlicedLoss};
use crate::error::{Error, Result};

/// Free-support barycentre: minimises Σ_k w_k SPDSW_2²(μ, ν_k) over the points of μ, from those of `start`.
///
/// `weights` are non-negative of sum 1. With one particle and Dirac measures the minimiser is the log-Euclidean mean.
/// Costs K times a step of [`flow`](super::flow) each.
///
/// # Errors
/// [`Error::Empty`] without a measure, [`Error::InvalidWeights`], [`Error::DimensionMismatch`] for another order,
/// [`Error::InvalidParameter`] as [`flow`](super::flow).
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
    flow(&WeightedSum { losses, weights }, start, options)
}

/// Σ_k w_k f_k with weights of sum 1.
struct WeightedSum<'a> {
    losses: Vec<SlicedLoss<'a>>,
    weights: Vec<f64>,
}

impl Objective for WeightedSum<'_> {
    fn value_and_gradient(&self, cloud: &LogCloud) -> Result<Gradient> {
        let mut total = Gradient {
            value: 0.0,
            rows: vec![0.0; cloud.rows().len()],
        };
        for (loss, &weight) in self.losses.iter().zip(&self.weights) {
            let part = loss.value_and_gradient(cloud)?;
            total.value += weight * part.value;
            total
                .rows
                .iter_mut()
                .zip(&part.rows)
                .for_each(|(sum, g)| *sum += weight * g);
        }
        Ok(total)
    }

    fn curvature(&self) -> Curvature {
        self.losses[0].curvature()
    }
}
