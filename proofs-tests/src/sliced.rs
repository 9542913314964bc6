//! Golden values and random clouds of the sliced-Wasserstein tests.

use hadamard_geometry::SpdBatch;
use hadamard_geometry::sliced::{DirectionBank, LogCloud};
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use serde_json::Value;

/// Golden values of an independent implementation.
pub fn golden() -> Value {
    serde_json::from_str(include_str!("../values/spdsw.json")).expect("the golden values are JSON")
}

/// All numbers of a nested list, in order.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

/// Square matrices of a list.
pub fn matrices(value: &Value) -> Vec<DMatrix<f64>> {
    let items = value.as_array().expect("a list of matrices");
    items
        .iter()
        .map(|item| {
            let order = item.as_array().expect("rows").len();
            DMatrix::from_row_slice(order, order, &numbers(item))
        })
        .collect()
}

/// SPD matrices of a list.
pub fn batch(value: &Value) -> SpdBatch {
    SpdBatch::try_from_matrices(&matrices(value)).expect("SPD points")
}

/// The directions of a golden case with their spectral factors.
pub fn factored_bank(case: &Value) -> DirectionBank {
    let theta = case["theta"].as_array().expect("eigenvalues").iter().map(numbers);
    let factors: Vec<_> = theta.zip(matrices(&case["P"])).collect();
    DirectionBank::from_factors(&factors).expect("orthogonal bases")
}

/// A matrix of standard normal entries.
pub fn gaussian(rows: usize, columns: usize, rng: &mut Pcg64) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| StandardNormal.sample(rng))
}

/// A symmetric matrix of independent normal entries times `scale`.
pub fn symmetric(order: usize, scale: f64, rng: &mut Pcg64) -> DMatrix<f64> {
    let g = gaussian(order, order, rng);
    (&g + g.transpose()) * (0.5 * scale)
}

/// Covariances of `2 d + 2` normal samples, condition numbers of a few tens.
pub fn wishart(count: usize, order: usize, rng: &mut Pcg64) -> Vec<DMatrix<f64>> {
    (0..count)
        .map(|_| {
            let samples = gaussian(order, 2 * order + 2, rng);
            let covariance = &samples * samples.transpose() / (2 * order + 2) as f64;
            (&covariance + covariance.transpose()) * 0.5
        })
        .collect()
}

/// The uniform measure on `matrices`.
pub fn cloud(matrices: &[DMatrix<f64>]) -> LogCloud {
    LogCloud::try_new(&SpdBatch::try_from_matrices(matrices).expect("SPD points")).expect("well-conditioned points")
}
