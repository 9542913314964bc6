//! Standardisation of feature columns.

use nalgebra::DMatrix;

use super::data::{FeatureMatrix, Sample, same_len};
use super::pipeline::{Transform, Transformed};
use crate::error::Result;

/// z-scores: every column minus its training mean, divided by its training standard deviation (1/n).
///
/// A column that is constant on the training part (to rounding) is set to zero: it cannot be told apart from noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StandardScaler;

/// A fitted [`StandardScaler`].
#[derive(Debug, Clone, PartialEq)]
pub struct Standardized {
    means: Vec<f64>,
    scales: Vec<f64>,
}

impl Transform<FeatureMatrix> for StandardScaler {
    type Fitted = Standardized;

    fn fit(&self, train: &Sample<'_, FeatureMatrix>) -> Result<Standardized> {
        let features = train.features();
        let rows = features.values();
        let n = rows.nrows() as f64;
        let mut means = Vec::with_capacity(rows.ncols());
        let mut scales = Vec::with_capacity(rows.ncols());
        for column in rows.column_iter() {
            let mean = column.mean();
            let deviation = (column.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
            // n additions of values of size |mean| leave a mean that is off by up to n eps |mean|.
            let constant = deviation <= n * f64::EPSILON * column.amax();
            means.push(mean);
            scales.push(if constant { 0.0 } else { 1.0 / deviation });
        }
        Ok(Standardized { means, scales })
    }
}

impl Transformed<FeatureMatrix> for Standardized {
    fn apply(&self, sample: &Sample<'_, FeatureMatrix>) -> Result<FeatureMatrix> {
        let features = sample.features();
        same_len("features of an example", self.means.len(), features.values().ncols())?;
        let blocks = features.blocks().to_vec();
        let mut values: DMatrix<f64> = features.values().clone();
        for (column, mut entries) in values.column_iter_mut().enumerate() {
            entries.apply(|x| *x = (*x - self.means[column]) * self.scales[column]);
        }
        FeatureMatrix::try_with_blocks(values, blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix<const C: usize>(rows: &[[f64; C]]) -> DMatrix<f64> {
        DMatrix::from_row_slice(rows.len(), C, rows.as_flattened())
    }

    #[test]
    fn training_rows_alone_set_the_scale() {
        let features = FeatureMatrix::try_new(matrix(&[[1e-12, 7.1], [3e-12, 7.1], [1e3, 7.1]])).unwrap();
        let fitted = StandardScaler
            .fit(&Sample::try_new(&features, &[0, 1]).unwrap())
            .unwrap();
        let scaled = fitted.apply(&Sample::try_new(&features, &[0, 1]).unwrap()).unwrap();
        assert!((scaled.values() - matrix(&[[-1.0, 0.0], [1.0, 0.0]])).amax() < 1e-14);
    }
}
