//! Means of SPD matrices: the minimisers of weighted squared distances.

mod affine_invariant;
mod anderson;
mod bures_wasserstein;
mod bures_wasserstein_semidefinite;
mod closed;
mod frechet;
mod inductive;
mod log_det;
mod log_euclidean;
pub(crate) mod median;
mod power;
mod recursive;

pub use affine_invariant::affine_invariant;
pub use bures_wasserstein::bures_wasserstein;
pub use bures_wasserstein_semidefinite::bures_wasserstein_semidefinite;
pub use closed::{arithmetic, harmonic, kullback_leibler};
pub use frechet::frechet;
pub use inductive::inductive;
pub use log_det::log_det;
pub use log_euclidean::log_euclidean;
pub use median::median;
pub use power::power;
pub use recursive::{ando_li_mathias, bini_meini_poloni};

use crate::batch::SpdBatch;
use crate::error::{Error, Result};
use crate::spd::Spd;

/// When an iteration for a mean stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanOptions {
    /// Gradient norm to reach; each mean says how it is measured. One below rounding is never reached.
    pub tolerance: f64,
    /// Outer iterations at most.
    pub max_iterations: usize,
}

impl Default for MeanOptions {
    /// Tolerance 1e-12, 100 iterations.
    fn default() -> Self {
        Self {
            tolerance: 1e-12,
            max_iterations: 100,
        }
    }
}

/// A mean and how it was reached. `P` is [`Psd`](crate::Psd) where singular matrices are averaged.
#[derive(Debug, Clone)]
pub struct MeanReport<P = Spd> {
    /// The mean.
    pub mean: P,
    /// Outer iterations made.
    pub iterations: usize,
    /// Gradient norm at [`Self::mean`]; that of the step to it where the mean measures its steps.
    pub gradient_norm: f64,
    /// A proven bound on the distance of [`Self::mean`] to the true mean, in exact arithmetic; `None` where no bound is
    /// known.
    pub certified_error: Option<f64>,
    /// Whether the tolerance was reached. An iteration that stalls at the level of rounding has not reached it.
    pub converged: bool,
}

/// Weights that sum to 1 with the matrices they belong to; matrices of weight zero are dropped.
pub(crate) fn checked_weights(batch: &SpdBatch, weights: Option<&[f64]>) -> Result<Vec<(usize, f64)>> {
    normalised_weights(batch.len(), weights)
}

/// The same for `n` matrices.
pub(crate) fn normalised_weights(n: usize, weights: Option<&[f64]>) -> Result<Vec<(usize, f64)>> {
    if n == 0 {
        return Err(Error::Empty { what: "batch" });
    }
    let Some(weights) = weights else {
        return Ok((0..n).map(|i| (i, 1.0 / n as f64)).collect());
    };
    if weights.len() != n {
        return Err(Error::DimensionMismatch {
            what: "number of weights",
            expected: n,
            found: weights.len(),
        });
    }
    if let Some(i) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
        return Err(Error::InvalidWeights {
            reason: format!("weight {i} is {}", weights[i]),
        });
    }
    // Scaling by the largest first keeps the sum finite.
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(Error::InvalidWeights {
            reason: "all weights are zero".into(),
        });
    }
    let sum: f64 = weights.iter().map(|w| w / largest).sum();
    Ok(weights
        .iter()
        .enumerate()
        .filter(|w| *w.1 > 0.0)
        .map(|(i, w)| (i, w / largest / sum))
        .collect())
}

impl<P> MeanReport<P> {
    /// The report of a mean in closed form.
    pub(crate) fn closed(mean: P) -> Self {
        Self {
            mean,
            iterations: 0,
            gradient_norm: 0.0,
            certified_error: None,
            converged: true,
        }
    }

    /// The same report of the image of the mean.
    pub(crate) fn try_map<Q>(self, f: impl FnOnce(P) -> Result<Q>) -> Result<MeanReport<Q>> {
        Ok(MeanReport {
            mean: f(self.mean)?,
            iterations: self.iterations,
            gradient_norm: self.gradient_norm,
            certified_error: self.certified_error,
            converged: self.converged,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, dmatrix};

    /// Four matrices of condition number below 25, exact in binary.
    fn four() -> SpdBatch {
        SpdBatch::try_from_matrices(&[
            dmatrix![2.0, 0.5, 0.25; 0.5, 1.5, -0.375; 0.25, -0.375, 1.0],
            dmatrix![1.0, -0.25, 0.5; -0.25, 3.0, 0.75; 0.5, 0.75, 2.0],
            dmatrix![4.0, 1.0, 0.0; 1.0, 0.75, 0.125; 0.0, 0.125, 0.5],
            dmatrix![0.5, 0.125, -0.0625; 0.125, 0.25, 0.0; -0.0625, 0.0, 5.0],
        ])
        .unwrap()
    }

    /// Entries (1,1) (1,2) (1,3) (2,2) (2,3) (3,3) against values computed with 30 digits.
    fn assert_close(mean: &Spd, upper: [f64; 6]) {
        let [a, b, c, d, e, f] = upper;
        let expected: DMatrix<f64> = dmatrix![a, b, c; b, d, e; c, e, f];
        // Cost of rounding: n ε κ with n = 3, κ < 25, and a factor 50 for the iterations.
        assert!((mean.matrix() - &expected).norm() < 3.0 * f64::EPSILON * 25.0 * 50.0 * expected.norm());
    }

    #[test]
    fn means_equal_their_reference_values() {
        let options = MeanOptions::default();
        let report = affine_invariant(&four(), None, &options).unwrap();
        assert!(report.converged && report.iterations <= 20);
        assert_close(
            &report.mean,
            [
                1.3524301638177862,
                0.2728090216810371,
                0.16893190230952226,
                0.8591889394566462,
                0.07549611195956452,
                1.4055336259139588,
            ],
        );
        let report = bures_wasserstein(&four(), None, &options).unwrap();
        assert!(report.converged);
        assert_close(
            &report.mean,
            [
                1.5988672751163377,
                0.34151551715634265,
                0.2470867967774344,
                1.1141260357205782,
                0.11602728623344308,
                1.760377223872543,
            ],
        );
        assert_close(
            &log_euclidean(&four(), None).unwrap(),
            [
                1.3538299748643952,
                0.2895568956015738,
                0.2059972622235693,
                0.8636836241042501,
                0.08817281210563087,
                1.4187839685080386,
            ],
        );
    }

    #[test]
    fn doubling_a_weight_is_repeating_a_matrix() {
        let (batch, options) = (four(), MeanOptions::default());
        let repeated = batch.select(&[0, 1, 2, 3, 3]);
        let weighted = affine_invariant(&batch, Some(&[1.0, 1.0, 1.0, 2.0]), &options)
            .unwrap()
            .mean;
        let plain = affine_invariant(&repeated, None, &options).unwrap().mean;
        assert!((weighted.matrix() - plain.matrix()).norm() < 1e-12 * plain.matrix().norm());
    }

    #[test]
    fn bad_weights_are_named() {
        for weights in [
            &[1.0, 1.0][..],
            &[0.0; 4],
            &[1.0, -1.0, 1.0, 1.0],
            &[1.0, f64::NAN, 1.0, 1.0],
        ] {
            assert!(log_euclidean(&four(), Some(weights)).is_err());
        }
        assert!(log_euclidean(&four(), Some(&[f64::MAX, f64::MAX, 0.0, 0.0])).is_ok());
        let empty = SpdBatch::try_from_vec(3, vec![]).unwrap();
        assert_eq!(log_euclidean(&empty, None).unwrap_err(), Error::Empty { what: "batch" });
    }
}
