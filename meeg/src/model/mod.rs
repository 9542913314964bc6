//! Learning from features: ridge and kernel ridge regression, ridge classification, cross-validation.
//!
//! A [`Learner`] sees a data set only through a [`Training`] part: the rows of the training fold, their targets and
//! groups. The test rows are behind a private field, so a mean, a scaler, a reference point or a hyper-parameter cannot
//! be computed from them by accident. [`cross_validation`] does the splitting and is the only caller.
//!
//! ```text
//! data (FeatureMatrix | DistanceMatrix | own Dataset) --Folds--> Training --Learner::fit--> Predictor --Sample--> predictions
//! ```
//!
//! Regularisation is chosen inside the training part by the closed-form leave-one-out error, or leave-one-group-out when
//! the examples come in groups (several windows or recordings of one person): see [`leave_out`].
//!
//! # Why own ridge and not a crate
//! `linfa-elasticnet` reaches ridge by coordinate descent, one penalty at a time and without leave-one-out residuals; a
//! grid of A penalties over n examples then costs n·A iterative fits. Here all A·n leave-one-out residuals come from
//! one eigendecomposition.

pub mod cross_validation;
pub mod data;
pub mod dummy;
pub mod kernel_ridge;
pub mod leave_out;
pub mod metrics;
pub mod pattern;
pub mod pipeline;
pub mod ridge;
pub mod ridge_classifier;
pub mod scaler;
pub mod svm;

use nalgebra::DMatrix;

pub use cross_validation::{Fold, Folds, cross_val_predict};
pub use data::{Dataset, DistanceMatrix, FeatureMatrix, Sample, Training};
pub use dummy::Mean;
pub use kernel_ridge::{Combination, KernelRidge};
pub use metrics::{balanced_accuracy, mean_absolute_error, r2};
pub use pattern::activation_pattern;
pub use pipeline::{Pipeline, Transform, Transformed};
pub use ridge::Ridge;
pub use ridge_classifier::{ClassificationReport, LabelCoding, classify};
pub use scaler::StandardScaler;
pub use svm::{SupportVectorMachine, SvmOptions};

use crate::error::Result;

/// A rule that learns a map from examples of a data set `D` to k numbers.
pub trait Learner<D: ?Sized>: Sync {
    /// What [`fit`](Self::fit) returns.
    type Model: Predictor<D>;

    /// Learns from the training part; `train.targets()` is n x k.
    ///
    /// # Errors
    /// Whatever makes the fit impossible: too few examples, shapes that do not match, a bad hyper-parameter.
    fn fit(&self, train: &Training<'_, D>) -> Result<Self::Model>;
}

/// A fitted map from examples of `D` to k numbers.
pub trait Predictor<D: ?Sized> {
    /// Predictions for the rows of `test`, one row an example (m x k).
    ///
    /// # Errors
    /// When the shape of the examples differs from that of the training part.
    fn predict(&self, test: &Sample<'_, D>) -> Result<DMatrix<f64>>;
}

/// `count` values from 10^`from` to 10^`to` in equal ratios.
///
/// ```
/// assert_eq!(hadamard_meeg::model::logspace(-1.0, 1.0, 3), vec![0.1, 1.0, 10.0]);
/// ```
pub fn logspace(from: f64, to: f64, count: usize) -> Vec<f64> {
    let step = if count > 1 {
        (to - from) / (count - 1) as f64
    } else {
        0.0
    };
    (0..count).map(|i| 10f64.powf(from + step * i as f64)).collect()
}
