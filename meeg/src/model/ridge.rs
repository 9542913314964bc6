//! Ridge regression with the penalty chosen by closed-form leaving out.

use nalgebra::DMatrix;

use super::data::{FeatureMatrix, Sample, Training, same_len};
use super::leave_out::{Choice, Spectrum, centre_targets};
use super::{Learner, Predictor, logspace};
use crate::error::{Error, Result, finite};

/// Ridge regression: minimises Σ (y_i - b - xᵢᵀβ)² + α |β|², intercept b not penalised.
///
/// α is taken from a grid by the leave-one-out error (leave-one-group-out when the examples have groups), see
/// [`leave_out`](super::leave_out). Features are used as they are: put a [`StandardScaler`](super::StandardScaler)
/// before it. Several outputs (columns of the targets) share one α.
///
/// Cost O(min(n, p)² max(n, p)) once and O(n min(n, p)) for each α.
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    /// Penalties to choose from, all positive.
    pub alphas: Vec<f64>,
}

impl Default for Ridge {
    /// 100 penalties from 1e-5 to 1e10, as the brain-age benchmark of Engemann et al. (NeuroImage 262, 2022).
    fn default() -> Self {
        Self {
            alphas: logspace(-5.0, 10.0, 100),
        }
    }
}

/// A fitted [`Ridge`].
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeModel {
    /// Coefficients β, p x k.
    pub coefficients: DMatrix<f64>,
    /// Intercepts b, one an output.
    pub intercepts: Vec<f64>,
    /// The penalty used, and its error of leaving out.
    pub choice: Choice,
}

impl Ridge {
    /// With one penalty, nothing to choose.
    pub fn with_alpha(alpha: f64) -> Self {
        Self { alphas: vec![alpha] }
    }
}

impl Learner<FeatureMatrix> for Ridge {
    type Model = RidgeModel;

    fn fit(&self, train: &Training<'_, FeatureMatrix>) -> Result<RidgeModel> {
        check_penalties(&self.alphas)?;
        let mut rows = train.sample().features().values().clone();
        let means: Vec<f64> = rows.column_iter().map(|column| column.mean()).collect();
        for (mut column, mean) in rows.column_iter_mut().zip(&means) {
            column.add_scalar_mut(-mean);
        }
        let (target_means, centred) = centre_targets(train.targets());
        let spectrum = Spectrum::of_centred_rows(&rows);
        let choice = spectrum
            .choose(&self.alphas, &centred, train.groups())
            .ok_or(NOTHING_TO_LEAVE_OUT)?;
        let coefficients = rows.tr_mul(&spectrum.dual(choice.alpha, &centred));
        let offset = DMatrix::from_row_slice(1, means.len(), &means) * &coefficients;
        let intercepts = target_means.iter().zip(offset.iter()).map(|(y, x)| y - x).collect();
        finite("coefficients", coefficients.as_slice())?;
        Ok(RidgeModel {
            coefficients,
            intercepts,
            choice,
        })
    }
}

impl Predictor<FeatureMatrix> for RidgeModel {
    fn predict(&self, test: &Sample<'_, FeatureMatrix>) -> Result<DMatrix<f64>> {
        let features = test.features();
        same_len(
            "features of an example",
            self.coefficients.nrows(),
            features.values().ncols(),
        )?;
        with_intercepts(features.values() * &self.coefficients, &self.intercepts)
    }
}

/// Predictions with the intercept of each target added. Errs when one is not finite: features far beyond those of the
/// training, or targets near the largest number.
pub(crate) fn with_intercepts(mut predictions: DMatrix<f64>, intercepts: &[f64]) -> Result<DMatrix<f64>> {
    for (mut column, intercept) in predictions.column_iter_mut().zip(intercepts) {
        column.add_scalar_mut(*intercept);
    }
    finite("predictions", predictions.as_slice())?;
    Ok(predictions)
}

/// Every penalty left some example undetermined by the rest: a single example, or a single group.
pub(crate) const NOTHING_TO_LEAVE_OUT: Error = Error::TooFew {
    what: "examples or groups of the training part",
    count: 1,
    folds: 2,
};

/// Errs on an empty grid or a penalty that is not positive.
pub(crate) fn check_penalties(alphas: &[f64]) -> Result<()> {
    if alphas.is_empty() {
        return Err(Error::Empty {
            what: "grid of penalties",
        });
    }
    match alphas.iter().find(|alpha| !(alpha.is_finite() && **alpha > 0.0)) {
        None => Ok(()),
        Some(&value) => Err(Error::InvalidParameter {
            name: "alpha",
            value,
            reason: "a penalty must be positive",
        }),
    }
}
