//! A transform fitted on the training part, then a learner on what it gives.

use nalgebra::DMatrix;

use super::data::{FeatureMatrix, Sample, Training};
use super::{Learner, Predictor};
use crate::error::Result;

/// Features that depend on the training part: a scaler, a reference point, a tangent space.
pub trait Transform<D: ?Sized>: Sync {
    /// What [`fit`](Self::fit) returns.
    type Fitted: Transformed<D>;

    /// Learns from training examples, without their targets.
    ///
    /// # Errors
    /// Whatever makes the fit impossible.
    fn fit(&self, train: &Sample<'_, D>) -> Result<Self::Fitted>;
}

/// A fitted [`Transform`].
pub trait Transformed<D: ?Sized> {
    /// Features of the examples, one row an example.
    ///
    /// # Errors
    /// When the shape of the examples differs from that of the training part.
    fn apply(&self, sample: &Sample<'_, D>) -> Result<FeatureMatrix>;
}

/// A [`Transform`] followed by a [`Learner`] (which may be a pipeline itself).
///
/// ```
/// use hadamard_meeg::model::{FeatureMatrix, Folds, Pipeline, Ridge, StandardScaler, cross_val_predict, r2};
/// use nalgebra::DMatrix;
///
/// let x = DMatrix::from_fn(40, 2, |i, j| ((i * (j + 3)) as f64).sin());
/// let y: Vec<f64> = (0..40).map(|i| 50.0 + 3.0 * x[(i, 0)] - x[(i, 1)]).collect();
/// let data = FeatureMatrix::try_new(x)?;
/// let learner = Pipeline::new(StandardScaler, Ridge::default());
/// let folds = Folds::shuffled(40, 5, 0)?;
/// let predicted = cross_val_predict(&learner, &data, &DMatrix::from_column_slice(40, 1, &y), None, &folds)?;
/// assert!(r2(&y, predicted.as_slice()) > 0.999);
/// # Ok::<(), hadamard_meeg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pipeline<T, L> {
    /// Fitted first.
    pub transform: T,
    /// Fitted on the transformed training part.
    pub learner: L,
}

/// A fitted [`Pipeline`].
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineModel<F, M> {
    /// The fitted transform.
    pub transform: F,
    /// The fitted learner.
    pub model: M,
}

impl<T, L> Pipeline<T, L> {
    /// `transform`, then `learner`.
    pub fn new(transform: T, learner: L) -> Self {
        Self { transform, learner }
    }
}

impl<D, T, L> Learner<D> for Pipeline<T, L>
where
    D: ?Sized,
    T: Transform<D>,
    L: Learner<FeatureMatrix>,
{
    type Model = PipelineModel<T::Fitted, L::Model>;

    fn fit(&self, train: &Training<'_, D>) -> Result<Self::Model> {
        let transform = self.transform.fit(&train.sample())?;
        let features = transform.apply(&train.sample())?;
        let rows: Vec<usize> = (0..train.sample().len()).collect();
        let model = self.learner.fit(&train.over(Sample::try_new(&features, &rows)?))?;
        Ok(PipelineModel { transform, model })
    }
}

impl<D, F, M> Predictor<D> for PipelineModel<F, M>
where
    D: ?Sized,
    F: Transformed<D>,
    M: Predictor<FeatureMatrix>,
{
    fn predict(&self, test: &Sample<'_, D>) -> Result<DMatrix<f64>> {
        let features = self.transform.apply(test)?;
        let rows: Vec<usize> = (0..test.len()).collect();
        self.model.predict(&Sample::try_new(&features, &rows)?)
    }
}
