//! Random and hostile inputs through every public function: typed errors, never a panic, never NaN in an `Ok`.

use hadamard_geometry::check::{check_kernel, check_metric, compare_kernels};
use hadamard_geometry::divergence;
use hadamard_geometry::kernel::{Kernel, KernelMetric};
use hadamard_geometry::matrix_functions::{
    ScalarFunction, double_operator, frechet, frechet_inverse, frechet2, lyapunov, matrix_function,
};
use hadamard_geometry::mean::{self, MeanOptions};
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Euclidean, MixedPowerEuclidean, PowerAffine, PowerEuclidean,
};
use hadamard_geometry::vech::{unvech, vech};
use hadamard_geometry::{Error, Metric, Psd, Spd, SpdBatch, SymBatch, random};
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

/// Matrices in an `Ok` must be numbers, too.
fn numbers(what: &str, result: Result<DMatrix<f64>, Error>) -> Result<(), TestCaseError> {
    prop_assert!(result.is_err() || result.is_ok_and(|m| finite(&m)), "{what}");
    Ok(())
}

/// Every operation of a metric on any point, second point, tangent vectors and time.
fn every_operation(
    metric: &dyn Metric,
    [a, b]: [&Spd; 2],
    [x, y]: [&DMatrix<f64>; 2],
    t: f64,
) -> Result<(), TestCaseError> {
    let name = metric.name();
    let of = |operation: &str| format!("{name} {operation} {a:?} {b:?} {x:?} {y:?} {t}");
    scalar(&of("inner"), metric.inner(a, x, y))?;
    scalar(&of("norm"), metric.norm(a, x))?;
    scalar(&of("cometric"), metric.cometric(a, x, y))?;
    scalar(&of("distance"), metric.distance(a, b))?;
    numbers(&of("flat"), metric.flat(a, x))?;
    numbers(&of("sharp"), metric.sharp(a, x))?;
    numbers(&of("log"), metric.log(a, b))?;
    numbers(&of("transport"), metric.transport(a, b, x))?;
    numbers(&of("connection"), metric.christoffel(a, x, y))?;
    numbers(&of("whiten"), metric.whiten(a, x))?;
    numbers(&of("unwhiten"), metric.unwhiten(a, x))?;
    numbers(
        &of("tangent vector"),
        metric
            .tangent_vector(a, b)
            .map(|v| DMatrix::from_column_slice(v.len(), 1, v.as_slice())),
    )?;
    if let Ok(k) = metric.sectional(a, x, y) {
        prop_assert!(k.is_none_or(|k| !k.is_nan()), "{}", of("curvature"));
    }
    if let Ok((lower, upper)) = metric.exp_domain(a, x) {
        prop_assert!(lower <= 0.0 && upper >= 0.0, "{}", of("domain"));
    }
    if let Ok((lower, upper)) = metric.distance_bounds(a, b) {
        prop_assert!(lower <= upper, "{}", of("bounds"));
    }
    numbers(&of("exp"), metric.exp(a, x).map(Spd::into_matrix))?;
    if let Ok(point) = metric.geodesic(a, b, t) {
        prop_assert!(t.is_finite() && finite(point.matrix()), "{}", of("geodesic"));
    }
    prop_assert!(metric.injectivity_radius(a).is_none_or(|r| !r.is_nan()));
    let _ = (metric.is_complete(), check_metric(metric, a, b, x, y));
    let _ = metric
        .extended_kernel()
        .map(|k| (k.hamiltonian_gradient(a, x), k.trace_term()));
    Ok(())
}

/// Means, medians and distances of a batch.
fn every_average(metric: &dyn Metric, batch: &SpdBatch, weights: Option<&[f64]>) -> Result<(), TestCaseError> {
    let options = MeanOptions {
        tolerance: 1e-10,
        max_iterations: 5,
    };
    numbers(
        &metric.name(),
        metric.mean(batch, weights, &options).map(|r| r.mean.into_matrix()),
    )?;
    numbers(
        &metric.name(),
        metric.median(batch, weights, &options).map(|r| r.mean.into_matrix()),
    )?;
    let points: Vec<Spd> = (0..batch.len()).map(|i| batch.get(i)).collect();
    for distances in [metric.pairwise(batch), metric.pairwise_points(&points)]
        .iter()
        .flatten()
    {
        prop_assert!(distances.iter().all(|d| !d.is_nan()), "{}", metric.name());
    }
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
            every_operation(&*metric, [&a, &b], [&x, &y], t)?;
            if let Ok(batch) = SpdBatch::try_from_matrices(&[first.clone(), second.clone()]) {
                every_average(&*metric, &batch, Some(&[t, 1.0]))?;
                every_average(&*metric, &batch, None)?;
            }
        }
        numbers("Hessian", AffineInvariant::hessian_half_squared_distance(&a, &b, &x))?;
        numbers("Jacobi field", AffineInvariant::jacobi_field(&a, &x, &y, &x))?;
        numbers("curvature", AffineInvariant::curvature(&a, &x, &y, &x))?;
        scalar("Ricci", AffineInvariant::ricci(&a, &x, &y))?;
        for function in [
            divergence::kullback_leibler, divergence::jeffreys, divergence::jensen_bregman_log_det, divergence::thompson,
            divergence::hilbert, divergence::von_neumann, divergence::von_neumann_symmetrised, divergence::inverse_euclidean,
        ] {
            scalar("divergence", function(&a, &b))?;
        }
        for f in [ScalarFunction::Log, ScalarFunction::Exp, ScalarFunction::Pow(t), ScalarFunction::Pow(-0.5)] {
            let _ = (matrix_function(f, a.eigen()), frechet(f, a.eigen(), &x), frechet_inverse(f, a.eigen(), &x));
            let _ = (frechet2(f, a.eigen(), &x, &y), double_operator(a.eigen(), |p, q| f.divided1(p, q), &x));
        }
        let _ = (lyapunov(&a, &x), a.log_det(), a.log(), a.condition_number(), vech(&x));
    }

    #[test]
    fn singular_matrices_of_any_kind(first in matrix(), second in matrix(), t in entry(), weights in prop::collection::vec(entry(), 0..4)) {
        for factor in [&first, &second] {
            if let Ok(psd) = Psd::from_factor(factor) {
                prop_assert!(finite(psd.matrix()) && psd.rank() <= psd.order());
            }
        }
        let (Ok(a), Ok(b)) = (Psd::try_new(first), Psd::try_new(second)) else { return Ok(()) };
        let options = MeanOptions { tolerance: 1e-10, max_iterations: 5 };
        for metric in all_metrics() {
            scalar(&metric.name(), metric.distance_semidefinite(&a, &b))?;
            numbers(&metric.name(), metric.geodesic_semidefinite(&a, &b, t).map(Psd::into_matrix))?;
            let points = [a.clone(), b.clone()];
            numbers(&metric.name(), metric.mean_semidefinite(&points, None, &options).map(|r| r.mean.into_matrix()))?;
            numbers(&metric.name(), metric.mean_semidefinite(&points, Some(&weights), &options).map(|r| r.mean.into_matrix()))?;
            prop_assert!(metric.mean_semidefinite(&[], None, &options).is_err());
        }
    }

    #[test]
    fn batches_meet_any_numbers(order in 0..4usize, data in prop::collection::vec(entry(), 0..20), p in entry()) {
        if let Ok(batch) = SymBatch::try_from_vec(order, data.clone()) {
            let _ = (batch.exp(), batch.eigenvalues(), batch.eigen(), batch.map(|x| x * x), batch.iter().len());
        }
        let tiny: Vec<f64> = data.iter().map(|x| x.abs().min(1e3)).collect();
        for data in [data, tiny] {
            let Ok(batch) = SpdBatch::try_from_vec(order, data) else { continue };
            prop_assert!(finite_slice(batch.log().as_slice()));
            for image in [batch.sqrt(), batch.inv_sqrt(), batch.pow(p)].into_iter().flatten() {
                prop_assert!(finite_slice(image.as_slice()));
                for i in 0..image.len() {
                    let _ = image.get(i);
                }
            }
            let _ = (batch.eigenvalues(), batch.eigen(), batch.select(&[]), batch.clone().into_vec());
        }
    }

    #[test]
    fn parameters_of_any_value(p in entry(), q in entry(), numbers in prop::collection::vec(entry(), 0..8)) {
        let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0]).unwrap();
        let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 3.0]).unwrap();
        let families: [Result<Box<dyn Metric>, Error>; 5] = [
            PowerEuclidean::try_new(p).map(|m| Box::new(m) as Box<dyn Metric>),
            PowerAffine::try_new(p).map(|m| Box::new(m) as Box<dyn Metric>),
            AlphaProcrustes::try_new(p).map(|m| Box::new(m) as Box<dyn Metric>),
            TraceTerm::try_new(p, q).map(|t| Box::new(AffineInvariant::new(t)) as Box<dyn Metric>),
            TraceTerm::try_new(p, q).map(|t| Box::new(Euclidean::new(t)) as Box<dyn Metric>),
        ];
        for metric in families.into_iter().flatten() {
            every_operation(&*metric, [&a, &b], [b.matrix(), a.matrix()], q)?;
        }
        if let Ok(metric) = MixedPowerEuclidean::try_new(p, q) {
            let _ = (metric.inner(&a, b.matrix(), b.matrix()), metric.christoffel(&a, b.matrix(), b.matrix()));
            let _ = (metric.distance_bounds(&a, &b), metric.sectional(&a, a.matrix(), b.matrix()));
        }
        for f in [ScalarFunction::Log, ScalarFunction::Exp, ScalarFunction::Pow(p)] {
            let _ = (f.value(q), f.derivative(q), f.divided1(p, q), f.divided2(p, q, p), f.divided3(p, q, q, p));
        }
        let _ = unvech(&DVector::from_vec(numbers.clone()));
        let _ = (check_kernel(&BuresWasserstein, &numbers), compare_kernels(&BuresWasserstein, &Euclidean::default(), &numbers));
        let batch = SpdBatch::try_from_matrices(&[a.matrix().clone(), b.matrix().clone()]).unwrap();
        let options = MeanOptions { tolerance: p, max_iterations: 3 };
        let _ = (mean::power(&batch, Some(&numbers), q, &options), mean::arithmetic(&batch, Some(&numbers)), mean::harmonic(&batch, Some(&numbers)));
        let _ = (mean::log_det(&batch, Some(&numbers), &options), mean::kullback_leibler(&batch, Some(&numbers)));
        let _ = (mean::frechet(&BuresWasserstein, &batch, Some(&numbers), &options), mean::log_euclidean(&batch, Some(&numbers)));
        let _ = (mean::affine_invariant(&batch, Some(&numbers), &options), mean::bures_wasserstein(&batch, Some(&numbers), &options));
        let _ = (mean::median(&AffineInvariant::default(), &batch, Some(&numbers), &options), mean::bini_meini_poloni(&batch, Some(&numbers), &options));
        let _ = mean::ando_li_mathias(&batch, &options);
        let _ = mean::inductive(&AffineInvariant::default(), &batch, Some(&numbers), numbers.len());
        let mut rng = Pcg64::seed_from_u64(1);
        let _ = (random::spd(2, p, &mut rng), random::wishart(&a, p, &mut rng), random::spd(0, 2.0, &mut rng));
        // Very large σ overflows the exponentials of the eigenvalues: an error, not a panic.
        let _ = random::riemannian_gaussian(&a, q, 1, &mut rng);
    }
}

fn finite_slice(x: &[f64]) -> bool {
    x.iter().all(|v| v.is_finite())
}

proptest! {
    #[test]
    fn integrated_metrics_meet_any_matrix(first in matrix(), second in matrix(), x in matrix(), y in matrix(), t in entry()) {
        let (Ok(a), Ok(b)) = (Spd::try_new(first), Spd::try_new(second)) else { return Ok(()) };
        for metric in integrated_metrics() {
            every_operation(&*metric, [&a, &b], [&x, &y], t)?;
            if let Ok((end, moved)) = metric.extended_kernel().expect("invariant").transport_along(&a, &x, &y) {
                prop_assert!(finite(end.matrix()) && finite(&moved));
            }
        }
    }
}

#[test]
fn empty_batches_are_errors_or_empty() {
    let empty = SpdBatch::try_from_vec(3, vec![]).unwrap();
    let options = MeanOptions::default();
    for metric in all_metrics().iter().chain(&integrated_metrics()) {
        assert_eq!(
            metric.mean(&empty, None, &options).unwrap_err(),
            Error::Empty { what: "batch" }
        );
        assert_eq!(
            metric.median(&empty, None, &options).unwrap_err(),
            Error::Empty { what: "batch" }
        );
        assert_eq!(metric.pairwise(&empty).unwrap().len(), 0);
    }
    assert_eq!(
        empty.log().len() + empty.eigenvalues().len() + empty.sqrt().unwrap().len(),
        0
    );
    assert!(
        mean::ando_li_mathias(&empty, &options).is_err()
            && mean::inductive(&BuresWasserstein, &empty, None, 1).is_err()
    );
    assert!(matches!(SpdBatch::try_from_vec(0, vec![]), Err(Error::Empty { .. })));
    assert!(matches!(SpdBatch::try_from_matrices(&[]), Err(Error::Empty { .. })));
    let bad = [DMatrix::identity(2, 2), dmatrix![1.0, 2.0; 2.0, 1.0]];
    assert!(matches!(
        SpdBatch::try_from_matrices(&bad),
        Err(Error::NotPositiveDefinite { index: 1, pivot: 1, .. })
    ));
    let mixed = [DMatrix::identity(2, 2), DMatrix::identity(3, 3)];
    assert!(matches!(
        SpdBatch::try_from_matrices(&mixed),
        Err(Error::DimensionMismatch { .. })
    ));
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
