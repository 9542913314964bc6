//! The model every other one must beat.

use nalgebra::DMatrix;

use super::data::{Sample, Training};
use super::leave_out::centre_targets;
use super::{Learner, Predictor};
use crate::error::Result;

/// Predicts the training mean of every output, whatever the example (for coded labels: the most frequent class).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mean;

/// A fitted [`Mean`].
#[derive(Debug, Clone, PartialEq)]
pub struct MeanModel(Vec<f64>);

impl<D: ?Sized> Learner<D> for Mean {
    type Model = MeanModel;

    fn fit(&self, train: &Training<'_, D>) -> Result<MeanModel> {
        Ok(MeanModel(centre_targets(train.targets()).0))
    }
}

impl<D: ?Sized> Predictor<D> for MeanModel {
    fn predict(&self, test: &Sample<'_, D>) -> Result<DMatrix<f64>> {
        Ok(DMatrix::from_fn(test.len(), self.0.len(), |_, j| self.0[j]))
    }
}
