//! Covariance estimators and rank: golden values computed with 110 digits, and laws.

use std::path::Path;

use hadamard_geometry::SymBatch;
use hadamard_meeg::covariance::{Constants, Estimator, Normalisation, correlation};
use hadamard_meeg::rank::{self, CommonSubspace, Regularisation};
use hadamard_meeg::{Error, SignalView};
use nalgebra::DMatrix;
use proptest::prelude::*;
use serde_json::Value;

fn values(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("values").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).unwrap()
}

fn estimator(name: &str) -> Estimator {
    let huber = |constants| Estimator::Huber {
        quantile: 0.9,
        constants,
    };
    let student = |constants| Estimator::StudentT {
        degrees: 5.0,
        constants,
    };
    match name {
        "scm" => Estimator::Scm,
        "unbiased" => Estimator::Unbiased,
        "oas_chen" => Estimator::OasChen,
        "oas_sklearn" => Estimator::OasSklearn,
        "ledoit_wolf" => Estimator::LedoitWolf,
        "schaefer_strimmer" => Estimator::SchaeferStrimmer,
        "tyler_trace" => Estimator::Tyler(Normalisation::Trace),
        "tyler_det" => Estimator::Tyler(Normalisation::Determinant),
        "student_real_nu5" => student(Constants::Real),
        "student_pyriemann_nu5" => student(Constants::PyRiemann),
        "huber_real_q0.9" => huber(Constants::Real),
        "huber_pyriemann_q0.9" => huber(Constants::PyRiemann),
        "regularised_tyler_rho0.3" => Estimator::RegularisedTyler(0.3),
        _ => panic!("no estimator {name}"),
    }
}

fn view(data: &[f64], channels: usize) -> SignalView<'_> {
    SignalView::new(data, channels, data.len() / channels).unwrap()
}

#[test]
fn golden_values() {
    let golden = values("meeg_covariance.json");
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 26);
    for case in cases {
        let name = case["metric"].as_str().unwrap();
        let input = rows(&golden["data"][case["inputs"][0].as_str().unwrap()]);
        let expected = rows(&case["result"]);
        let data = input.concat();
        let estimate = estimator(name).estimate(view(&data, input.len())).unwrap();
        let scale = estimate.matrix.norm();
        // Closed formulas: a few roundings. M-estimators stop at a relative change of 1e-13, and a linear iteration of
        // rate r is then r/(1 − r) times that from its limit (r = 0.93 for Tyler on ten samples).
        let tolerance = if estimate.iterations == 0 { 1e-14 } else { 1e-11 };
        for (i, row) in expected.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                let error = (estimate.matrix[(i, j)] - value).abs() / scale;
                assert!(error < tolerance, "{name} {}: {error:e}", case["inputs"][0]);
            }
        }
        if let Some(rho) = case["params"]["shrinkage"].as_f64() {
            assert!((estimate.shrinkage.unwrap() - rho).abs() < 1e-13, "{name}");
        }
    }
}

#[test]
fn shrinkage_of_scikit_learn() {
    let golden = &values("meeg_filter.json")["shrinkage"];
    let samples = rows(&golden["X"]);
    let data: Vec<f64> = (0..5).flat_map(|c| samples.iter().map(move |row| row[c])).collect();
    for (estimator, matrix, coefficient) in [
        (Estimator::Unbiased, "cov_n_minus_1", None),
        (Estimator::LedoitWolf, "ledoit_wolf", Some("lw_coef")),
        (Estimator::OasSklearn, "oas", Some("oas_coef")),
    ] {
        let estimate = estimator.estimate(view(&data, 5)).unwrap();
        let expected = DMatrix::from_row_slice(5, 5, &rows(&golden[matrix]).concat());
        assert!((&estimate.matrix - &expected).norm() < 1e-14 * expected.norm());
        if let Some(key) = coefficient {
            assert!((estimate.shrinkage.unwrap() - golden[key].as_f64().unwrap()).abs() < 1e-14);
        }
    }
}

const NAMES: [&str; 9] = [
    "scm",
    "unbiased",
    "oas",
    "oas-sklearn",
    "ledoit-wolf",
    "schaefer-strimmer",
    "huber",
    "student-t",
    "tyler",
];

#[test]
fn hostile_windows() {
    for name in NAMES {
        let estimator: Estimator = name.parse().unwrap();
        let nan = [1.0, f64::NAN, 2.0, 0.5, 3.0, 1.0];
        assert!(
            matches!(
                estimator.estimate(view(&nan, 2)),
                Err(Error::BadSample { sample: 1, .. })
            ),
            "{name}"
        );
        assert!(
            matches!(
                estimator.estimate(view(&[1.0, 2.0], 2)),
                Err(Error::TooFewSamples { .. })
            ),
            "{name}"
        );
        // A window of zeros has no covariance to whiten by; the others must answer without NaN.
        match estimator.estimate(view(&[0.0; 20], 2)) {
            Ok(estimate) => assert!(estimate.matrix.iter().all(|x| x.is_finite()), "{name}"),
            Err(error) => assert!(
                matches!(error, Error::RankDeficient { .. } | Error::TooFewSamples { .. }),
                "{name}: {error}"
            ),
        }
    }
    assert!(matches!("mle".parse::<Estimator>(), Err(Error::BadText { .. })));
    let window = view(&[1.0, -1.0, 2.0, 0.0, 1.0, 4.0], 2);
    for bad in [
        Estimator::Shrunk(1.5),
        Estimator::Shrunk(f64::NAN),
        Estimator::RegularisedTyler(0.0),
    ] {
        assert!(matches!(bad.estimate(window), Err(Error::InvalidParameter { .. })));
    }
    let square = view(&[1.0, 2.0, 0.5, 3.0], 2);
    let tyler = Estimator::Tyler(Normalisation::Trace);
    assert!(matches!(tyler.estimate(square), Err(Error::TooFewSamples { .. })));
    assert!(matches!(
        correlation(&DMatrix::zeros(2, 2)),
        Err(Error::FlatChannel { .. })
    ));
}

fn window(channels: usize, samples: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.0..1.0_f64, channels * samples)
}

/// All but Tyler's, which fixes the scale.
fn scaled_estimators() -> Vec<Estimator> {
    NAMES[..8].iter().map(|name| name.parse().unwrap()).collect()
}

proptest! {
    /// C(c x) = c² C(x), down to the scale of MEG in teslas; Tyler's shape does not change. M-estimators stop within
    /// r/(1 − r) · 1e-13 of their limit from either side.
    #[test]
    fn scale(data in window(4, 40), exponent in 0..5_i32) {
        let c = 10.0_f64.powi(-3 * exponent);
        let scaled: Vec<f64> = data.iter().map(|x| c * x).collect();
        for estimator in scaled_estimators() {
            let a = estimator.estimate(view(&data, 4)).unwrap().matrix * (c * c);
            let b = estimator.estimate(view(&scaled, 4)).unwrap().matrix;
            prop_assert!((&a - &b).norm() <= 1e-11 * a.norm(), "{:?}", estimator);
        }
        let tyler = Estimator::Tyler(Normalisation::Trace);
        let a = tyler.estimate(view(&data, 4)).unwrap().matrix;
        let b = tyler.estimate(view(&scaled, 4)).unwrap().matrix;
        prop_assert!((&a - &b).norm() <= 1e-11 * a.norm());
        prop_assert!((a.trace() - 4.0).abs() < 1e-13);
    }

    /// A constant added to a channel changes nothing.
    #[test]
    fn translation(data in window(3, 30), shift in -2.0..2.0_f64) {
        let moved: Vec<f64> = data.iter().enumerate().map(|(i, x)| if i < 30 { x + shift } else { *x }).collect();
        for estimator in scaled_estimators() {
            let a = estimator.estimate(view(&data, 3)).unwrap().matrix;
            let b = estimator.estimate(view(&moved, 3)).unwrap().matrix;
            prop_assert!((&a - &b).norm() <= 1e-11 * a.norm(), "{:?}", estimator);
        }
    }

    /// Symmetric to the last bit, positive semi-definite, trace kept by shrinkage, intensity in [0, 1].
    #[test]
    fn shape(data in window(5, 12)) {
        let trace = Estimator::Scm.estimate(view(&data, 5)).unwrap().matrix.trace();
        for estimator in &scaled_estimators()[..6] {
            let estimate = estimator.estimate(view(&data, 5)).unwrap();
            prop_assert_eq!(&estimate.matrix, &estimate.matrix.transpose());
            let report = rank::report(&estimate.matrix, 1e-10).unwrap();
            prop_assert!(report.eigenvalues[4] >= -1e-14 * report.eigenvalues[0]);
            if let Some(rho) = estimate.shrinkage {
                prop_assert!((0.0..=1.0).contains(&rho));
                let factor = if *estimator == Estimator::SchaeferStrimmer { 12.0 / 11.0 } else { 1.0 };
                prop_assert!((estimate.matrix.trace() - factor * trace).abs() <= 1e-13 * trace);
            }
        }
    }

    /// Tyler's fixed point: (p/T) Σ z zᵀ/(zᵀ C⁻¹ z) = C.
    #[test]
    fn tyler_is_a_fixed_point(data in window(3, 25)) {
        let c = Estimator::Tyler(Normalisation::Determinant).estimate(view(&data, 3)).unwrap().matrix;
        prop_assert!((c.determinant() - 1.0).abs() < 1e-11);
        let inverse = c.clone().try_inverse().unwrap();
        let means: Vec<f64> = data.chunks_exact(25).map(|row| row.iter().sum::<f64>() / 25.0).collect();
        let mut next = DMatrix::zeros(3, 3);
        for t in 0..25 {
            let z = nalgebra::DVector::from_fn(3, |i, _| data[i * 25 + t] - means[i]);
            let x = (z.transpose() * &inverse * &z)[0];
            next += &z * z.transpose() * (3.0 / 25.0 / x);
        }
        prop_assert!((&next - &c).norm() < 1e-10 * c.norm());
    }

    /// A covariance of rank r is reported so, refused by name, and repaired as asked, at any scale.
    #[test]
    fn missing_rank(data in window(4, 40), scale in prop::sample::select(vec![1.0, 1e-12, 1e-26])) {
        let mut rows: Vec<f64> = data.iter().map(|x| x * f64::sqrt(scale)).collect();
        // The fifth channel is the sum of two others.
        let sum: Vec<f64> = (0..40).map(|t| rows[t] + rows[40 + t]).collect();
        rows.extend(sum);
        let threshold = rank::DEFAULT_THRESHOLD;
        let matrix = Estimator::Unbiased.estimate(view(&rows, 5)).unwrap().matrix;
        prop_assert_eq!(rank::report(&matrix, threshold).unwrap().rank, 4);
        let batch = SymBatch::try_from_vec(5, matrix.as_slice().to_vec()).unwrap();
        match rank::require_full(&batch, threshold, "sub-07 alpha") {
            Err(Error::RankDeficient { rank: 4, order: 5, context, .. }) => prop_assert_eq!(context, "sub-07 alpha"),
            other => prop_assert!(false, "{:?}", other),
        }
        for repair in [Regularisation::Shrinkage(0.05), Regularisation::Floor(1e-3)] {
            let repaired = repair.apply_all(&batch).unwrap();
            prop_assert_eq!(rank::require_full(&repaired, threshold, "").unwrap().len(), 1);
        }
        let floored = Regularisation::Floor(1e-3).apply(&matrix).unwrap();
        let least = rank::report(&floored, 0.0).unwrap().eigenvalues[4];
        // An eigenvalue is found to n eps of the largest, which is at most 5 trace/n: 1e-3 of that is asked for.
        prop_assert!((least / (1e-3 * matrix.trace() / 5.0) - 1.0).abs() < 1e-11);
        let subspace = CommonSubspace::fit(&batch, 4, threshold).unwrap();
        let reduced = rank::require_full(&subspace.reduce(&batch).unwrap(), threshold, "").unwrap();
        prop_assert!((reduced.matrix(0).trace() / matrix.trace() - 1.0).abs() < 1e-13);
        let too_many = matches!(CommonSubspace::fit(&batch, 5, threshold), Err(Error::RankDeficient { rank: 4, .. }));
        prop_assert!(too_many);
    }
}
