//! Which features a model reads.

use super::data::{FeatureMatrix, same_len};
use crate::error::Result;

/// Activation pattern of a model: a_j = Cov(x_j, ŷ) / sd(ŷ), the change of feature j when the prediction rises by one
/// standard deviation.
///
/// Unlike coefficients, which also cancel noise, a pattern can be read as "where the signal is". One value a column of
/// `features`, in its unit; zeros when the predictions are constant. O(n p).
///
/// # Errors
/// [`Error::DimensionMismatch`](crate::Error::DimensionMismatch) unless there is one prediction an example.
///
/// Source: Haufe et al., NeuroImage 87 (2014) 96-110.
pub fn activation_pattern(features: &FeatureMatrix, predictions: &[f64]) -> Result<Vec<f64>> {
    let values = features.values();
    same_len("predictions", values.nrows(), predictions.len())?;
    let n = predictions.len() as f64;
    let mean = predictions.iter().sum::<f64>() / n;
    let deviation = (predictions.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / n).sqrt();
    let covariance = |column: nalgebra::DVectorView<'_, f64>| {
        let centre = column.mean();
        column
            .iter()
            .zip(predictions)
            .map(|(x, p)| (x - centre) * (p - mean))
            .sum::<f64>()
            / n
    };
    Ok(values
        .column_iter()
        .map(|column| {
            if deviation > 0.0 {
                covariance(column.as_view()) / deviation
            } else {
                0.0
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::dmatrix;

    #[test]
    fn a_feature_that_follows_the_prediction_changes_by_its_own_deviation() {
        let features = FeatureMatrix::try_new(dmatrix![2.0, 5.0; 4.0, 5.0; 6.0, 5.0]).unwrap();
        let pattern = activation_pattern(&features, &[1.0, 2.0, 3.0]).unwrap();
        assert!((pattern[0] - (8.0f64 / 3.0).sqrt()).abs() < 1e-14 && pattern[1] == 0.0);
        assert_eq!(activation_pattern(&features, &[1.0; 3]).unwrap(), vec![0.0, 0.0]);
    }
}
