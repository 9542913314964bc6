//! Random and hostile inputs through every public function: typed errors, never a panic, never NaN in an `Ok`.

use hadamard_geometry::check::{check_kernel, check_metric, compare_kernels};
use hadamard_geometry::divergence;
use hadamard_geometry::kernel::{Kernel, KernelMetric};
use hadamard_geometry::mean::{self, MeanOptions};
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Euclidean, MixedPowerEuclidean, PowerAffine, PowerEuclidean,
};
use hadamard_geometry::vech::unvech;
use hadamard_geometry::{Error, Metric, Spd, SpdBatch, random};
use nalgebra::{DMatrix, DVector, dmatrix};
use proofs_tests::spd::{closed_metrics, integrated_metrics, triangular_metrics};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64;

fn all_metrics() -> Vec<Box<dyn Metric>> {
    let mut metrics = closed_metrics();
    metrics.extend(triangular_metrics());
    metrics
}

/// Entries of all magnitudes, with NaN, infinities, zeros and subnormals among them.
fn entry() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e3..1e3f64,
        2 => (-300.0..300.0f64).prop_map(|e| 10f64.powf(e)),
        1 => Just(0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::MIN_POSITIVE / 8.0),
        1 => Just(f64::MAX),
    ]
}

/// Any matrix: sometimes square, symmetric or SPD.
fn matrix() -> impl Strategy<Value = DMatrix<f64>> {
    (0..4usize, 0..4usize, 0..5u8, prop::collection::vec(entry(), 16)).prop_map(|(rows, columns, kind, entries)| {
        let columns = if kind > 0 { rows } else { columns };
        let m = DMatrix::from_fn(rows, columns, |i, j| entries[4 * i + j]);
        match kind {
            0 | 1 => m,
            2 => &m * 0.5 + m.transpose() * 0.5,
            // Graded SPD matrices from finite entries, conditions up to overflow.
            _ => DMatrix::from_fn(rows, rows, |i, j| {
                let d = entries[i].abs();
                if i == j && d.is_finite() { d } else { 0.0 }
            }),
        }
    })
}

fn finite(m: &DMatrix<f64>) -> bool {
    m.iter().all(|v| v.is_finite())
}

/// `Ok` values must be numbers.
fn scalar(what: &str, result: Result<f64, Error>) -> Result<(), TestCaseError> {
    prop_assert!(result.is_err() || result.is_ok_and(|v| !v.is_nan()), "{what}");
    Ok(())
}

proptest! {
    #[test]
    fn metrics_meet_any_matrix(first in matrix(), second in matrix(), x in matrix(), y in matrix(), t in entry()) {
        let (Ok(a), Ok(b)) = (Spd::try_new(first.clone()), Spd::try_new(second.clone())) else {
            prop_assert!(SpdBatch::try_from_matrices(&[first, second]).is_err());
            return Ok(());
        };
        for metric in all_metrics() {
            scalar(&metric.name(), metric.inner(&a, &x, &y))?;
            let _ = (metric.norm(&a, &x), metric.flat(&a, &x), metric.sharp(&a, &x), metric.cometric(&a, &x, &y));
            let _ = (metric.distance(&a, &b), metric.log(&a, &b), metric.tangent_vector(&a, &b));
            if let Ok(end) = metric.exp(&a, &x) {
                prop_assert!(finite(end.matrix()), "{}", metric.name());
            }
            if let Ok(point) = metric.geodesic(&a, &b, t) {
                prop_assert!(t.is_finite() && finite(point.matrix()), "{}", metric.name());
            }
            let _ = (metric.christoffel(&a, &x, &y), metric.sectional(&a, &x, &y));
            let _ = (metric.whiten(&a, &x), metric.unwhiten(&a, &x), metric.exp_domain(&a, &x));
            let _ = (metric.injectivity_radius(&a), metric.is_complete(), check_metric(&*metric, &a, &b, &x, &y));
            if let Ok(batch) = SpdBatch::try_from_matrices(&[first.clone(), second.clone()]) {
                let options = MeanOptions { tolerance: 1e-10, max_iterations: 5 };
                let _ = metric.mean(&batch, Some(&[t, 1.0]), &options);
                let _ = metric.mean(&batch, None, &options);
            }
        }
        let _ = (AffineInvariant::hessian_half_squared_distance(&a, &b, &x), AffineInvariant::jacobi_field(&a, &x, &y, &x));
        for function in [
            divergence::kullback_leibler, divergence::jeffreys, divergence::jensen_bregman_log_det,
            divergence::thompson, divergence::hilbert, divergence::von_neumann, divergence::inverse_euclidean,
        ] {
            let _ = function(&a, &b);
        }
    }

    #[test]
    fn parameters_of_any_value(p in entry(), q in entry(), numbers in prop::collection::vec(entry(), 0..8)) {
        let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0]).unwrap();
        let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 3.0]).unwrap();
        let families: [Result<Box<dyn Metric>, Error>; 4] = [
            PowerEuclidean::try_new(p).map(|m| Box::new(m) as Box<dyn Metric>),
            PowerAffine::try_new(p).map(|m| Box::new(m) as Box<dyn Metric>),
            AlphaProcrustes::try_new(p).map(|m| Box::new(m) as Box<dyn Metric>),
            TraceTerm::try_new(p, q).map(|t| Box::new(AffineInvariant::new(t)) as Box<dyn Metric>),
        ];
        for metric in families.into_iter().flatten() {
            let _ = (metric.distance(&a, &b), metric.log(&a, &b), metric.geodesic(&a, &b, 0.5), metric.inner(&a, b.matrix(), b.matrix()));
        }
        if let Ok(metric) = MixedPowerEuclidean::try_new(p, q) {
            let _ = (metric.inner(&a, b.matrix(), b.matrix()), metric.christoffel(&a, b.matrix(), b.matrix()));
        }
        let _ = unvech(&DVector::from_vec(numbers.clone()));
        let _ = (check_kernel(&BuresWasserstein, &numbers), compare_kernels(&BuresWasserstein, &Euclidean::default(), &numbers));
        let batch = SpdBatch::try_from_matrices(&[a.matrix().clone(), b.matrix().clone()]).unwrap();
        let options = MeanOptions { tolerance: p, max_iterations: 3 };
        let _ = (mean::power(&batch, Some(&numbers), q, &options), mean::arithmetic(&batch, Some(&numbers)), mean::harmonic(&batch, Some(&numbers)));
        let _ = (mean::log_det(&batch, Some(&numbers), &options), mean::kullback_leibler(&batch, Some(&numbers)));
        let _ = (mean::median(&AffineInvariant::default(), &batch, Some(&numbers), &options), mean::bini_meini_poloni(&batch, &options));
        let _ = mean::inductive(&AffineInvariant::default(), &batch, Some(&numbers), numbers.len());
        let mut rng = Pcg64::seed_from_u64(1);
        let _ = (random::spd(2, p, &mut rng), random::wishart(&a, p, &mut rng));
        // Very large σ overflows the exponentials of the eigenvalues: an error, not a panic.
        let _ = random::riemannian_gaussian(&a, q, 1, &mut rng);
    }
}

#[test]
fn errors_name_what_is_wrong() {
    let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0]).unwrap();
    let three = Spd::identity(3).unwrap();
    let bad = [
        (dmatrix![1.0, f64::NAN; f64::NAN, 1.0], "NonFinite"),
        (dmatrix![1.0, 2.0; 3.0, 1.0], "NotSymmetric"),
        (dmatrix![1.0, 2.0, 3.0; 2.0, 1.0, 0.0], "NotSquare"),
        (DMatrix::identity(3, 3), "DimensionMismatch"),
    ];
    for metric in all_metrics().iter().chain(&integrated_metrics()) {
        for (x, expected) in &bad {
            let name = format!("{:?}", metric.inner(&a, x, a.matrix()).unwrap_err());
            assert!(name.starts_with(expected), "{}: {name}", metric.name());
            let name = format!("{:?}", metric.exp(&a, x).unwrap_err());
            assert!(name.starts_with(expected), "{}: {name}", metric.name());
            assert!(metric.transport(&a, &a, x).is_err(), "{}", metric.name());
        }
        for error in [
            metric.distance(&a, &three).unwrap_err(),
            metric.log(&a, &three).unwrap_err(),
            metric.geodesic(&a, &three, 0.5).unwrap_err(),
            metric.transport(&a, &three, a.matrix()).unwrap_err(),
        ] {
            assert!(
                matches!(error, Error::DimensionMismatch { .. }),
                "{}: {error:?}",
                metric.name()
            );
        }
        assert!(
            matches!(metric.geodesic(&a, &a, f64::NAN), Err(Error::InvalidParameter { .. })),
            "{}",
            metric.name()
        );
    }
    assert!(matches!(Spd::try_new(DMatrix::zeros(0, 0)), Err(Error::Empty { .. })));
    assert!(matches!(
        Spd::try_new(dmatrix![1.0, 1.0; 1.0, 1.0]),
        Err(Error::NotPositiveDefinite { pivot: 1, .. })
    ));
    // α + nβ ≤ 0 is found where the order is known.
    let trace = TraceTerm::try_new(1.0, -0.6).unwrap();
    for metric in [
        &Euclidean::new(trace) as &dyn Metric,
        &KernelMetric::with_trace(BuresWasserstein, trace),
    ] {
        assert!(matches!(
            metric.inner(&a, a.matrix(), a.matrix()),
            Err(Error::InvalidParameter { name: "beta", .. })
        ));
    }
    let batch = SpdBatch::try_from_matrices(&[a.matrix().clone(), a.matrix().clone()]).unwrap();
    let options = MeanOptions::default();
    for metric in all_metrics() {
        for weights in [&[1.0, -1.0][..], &[0.0, 0.0], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0]] {
            let error = metric.mean(&batch, Some(weights), &options).unwrap_err();
            assert!(
                matches!(error, Error::InvalidWeights { .. }),
                "{} {error:?}",
                metric.name()
            );
        }
        assert!(metric.mean(&batch, Some(&[1.0]), &options).is_err());
        let single = metric.mean(&batch, Some(&[0.0, 2.0]), &options).unwrap().mean;
        assert!((single.matrix() - a.matrix()).norm() < 1e-13, "{}", metric.name());
    }
}

#[test]
fn order_one_is_scalar() {
    let (x, y) = (3.0f64, 7.0f64);
    let (a, b) = (Spd::try_new(dmatrix![x]).unwrap(), Spd::try_new(dmatrix![y]).unwrap());
    for metric in all_metrics().iter().chain(&integrated_metrics()) {
        let d = metric.distance(&a, &b).unwrap();
        let middle = metric.geodesic(&a, &b, 0.5).unwrap();
        assert!(
            (2.0 * metric.distance(&a, &middle).unwrap() - d).abs() < 1e-11,
            "{}",
            metric.name()
        );
        assert_eq!(metric.sectional(&a, &dmatrix![1.0], &dmatrix![2.0]).unwrap(), None);
    }
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    near(AffineInvariant::default().distance(&a, &b).unwrap(), (y / x).ln());
    near(BuresWasserstein.distance(&a, &b).unwrap(), y.sqrt() - x.sqrt());
    near(Euclidean::default().distance(&a, &b).unwrap(), y - x);
    near(
        MixedPowerEuclidean::bogoliubov_kubo_mori().distance(&a, &b).unwrap(),
        2.0 * (y.sqrt() - x.sqrt()),
    );
}

#[test]
fn kernels_that_are_not_numbers_are_errors() {
    #[derive(Debug)]
    struct Broken;
    impl Kernel for Broken {
        fn phi(&self, x: f64, y: f64) -> f64 {
            (x - y) / (x.ln() - y.ln())
        }
    }
    let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0]).unwrap();
    let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 3.0]).unwrap();
    let metric = KernelMetric::new(Broken);
    assert!(metric.exp(&a, b.matrix()).is_err());
    assert!(metric.distance(&a, &b).is_err());
    assert!(metric.exp_domain(&a, b.matrix()).is_err());
}
