//! Which features a model reads.

use super::data::{FeatureMatrix, same_len};
use crate::error::{Result, finite};
use crate::scaling::power_of_two;

/// Activation pattern of a model: a_j = Cov(x_j, ŷ) / sd(ŷ), the change of feature j when the prediction rises by one
/// standard deviation.
///
/// Unlike coefficients, which also cancel noise, a pattern can be read as "where the signal is". One value a column of
/// `features`, in its unit; zeros when the predictions are constant. O(n p).
///
/// # Errors
/// [`Error::DimensionMismatch`](crate::Error::DimensionMismatch) unless there is one prediction an example,
/// [`Error::NonFinite`](crate::Error::NonFinite) for predictions that are not finite.
///
/// Source: Haufe et al., NeuroImage 87 (2014) 96-110.
pub fn activation_pattern(features: &FeatureMatrix, predictions: &[f64]) -> Result<Vec<f64>> {
    let values = features.values();
    same_len("predictions", values.nrows(), predictions.len())?;
    finite("predictions", predictions)?;
    let (predictions, _) = centred(predictions);
    let deviation = mean_product(&predictions, &predictions).sqrt();
    let pattern = |column: nalgebra::DVectorView<'_, f64>| {
        let (column, unit) = centred(column.as_slice());
        if deviation > 0.0 {
            mean_product(&column, &predictions) / deviation * unit
        } else {
            0.0
        }
    };
    Ok(values.column_iter().map(|column| pattern(column.as_view())).collect())
}

/// Values less their mean, and their unit: neither sums nor squares of them leave the range of numbers.
fn centred(values: &[f64]) -> (Vec<f64>, f64) {
    let unit = power_of_two(values.iter().copied());
    let scaled: Vec<f64> = values.iter().map(|x| x / unit).collect();
    let mean = scaled.iter().sum::<f64>() / scaled.len() as f64;
    (scaled.iter().map(|x| x - mean).collect(), unit)
}

/// Mean of the products.
fn mean_product(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / x.len() as f64
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
