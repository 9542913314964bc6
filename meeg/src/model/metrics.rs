//! Scores of predictions.

use std::collections::BTreeMap;

/// Coefficient of determination R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)².
///
/// 1 is perfect, 0 is as good as the mean of `truth`, negative is worse. NaN when `truth` is constant or empty.
/// Panics when the lengths differ.
pub fn r2(truth: &[f64], predicted: &[f64]) -> f64 {
    assert_eq!(truth.len(), predicted.len(), "as many predictions as true values");
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let total: f64 = truth.iter().map(|y| (y - mean) * (y - mean)).sum();
    let left: f64 = truth.iter().zip(predicted).map(|(y, p)| (y - p) * (y - p)).sum();
    if total > 0.0 { 1.0 - left / total } else { f64::NAN }
}

/// Mean absolute error, in the unit of the target. NaN when empty. Panics when the lengths differ.
pub fn mean_absolute_error(truth: &[f64], predicted: &[f64]) -> f64 {
    assert_eq!(truth.len(), predicted.len(), "as many predictions as true values");
    truth.iter().zip(predicted).map(|(y, p)| (y - p).abs()).sum::<f64>() / truth.len() as f64
}

/// Balanced accuracy: the mean over the classes present in `truth` of the share recognised.
///
/// 1/classes by guessing, however unequal the classes are. NaN when empty. Panics when the lengths differ.
pub fn balanced_accuracy(truth: &[usize], predicted: &[usize]) -> f64 {
    assert_eq!(truth.len(), predicted.len(), "as many predictions as true labels");
    let mut counts = BTreeMap::<usize, (usize, usize)>::new();
    for (&label, &guess) in truth.iter().zip(predicted) {
        let (all, right) = counts.entry(label).or_default();
        *all += 1;
        *right += usize::from(label == guess);
    }
    let recalls: Vec<f64> = counts.values().map(|&(all, right)| right as f64 / all as f64).collect();
    recalls.iter().sum::<f64>() / recalls.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_checked_values() {
        assert_eq!(r2(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 1.0);
        assert_eq!(r2(&[1.0, 2.0, 3.0], &[2.0, 2.0, 2.0]), 0.0);
        assert!(r2(&[2.0, 2.0], &[2.0, 2.0]).is_nan());
        assert_eq!(mean_absolute_error(&[1.0, -1.0], &[2.0, 1.0]), 1.5);
        // Recalls 2/3 and 1.
        assert!((balanced_accuracy(&[0, 0, 0, 1], &[0, 0, 1, 1]) - 5.0 / 6.0).abs() < 1e-15);
        assert_eq!(balanced_accuracy(&[0, 0, 0, 2], &[0, 0, 0, 0]), 0.5);
    }
}
