//! Situations in which published implementations return wrong values; each is right here.

use hadamard_geometry::eigen::symmetric_eigen;
use hadamard_geometry::matrix_functions::{ScalarFunction, frechet};
use hadamard_geometry::mean::{self, MeanOptions};
use hadamard_geometry::metrics::{AffineInvariant, BuresWasserstein, Euclidean, LogEuclidean};
use hadamard_geometry::{Error, Metric, Spd, SpdBatch};
use nalgebra::{DMatrix, dmatrix};
use proofs_tests::spd::{Golden, Sample, Spectrum};

fn point(golden: &Golden, name: &str, scale: f64) -> Spd {
    Spd::try_new(golden.matrix(name) * scale).expect("golden points are SPD")
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{found} {expected}"
    );
}

#[test]
fn derivatives_of_functions_have_no_absolute_threshold() {
    // Eigenvalues of 1e-12 and 1e-26 are not "equal to within 1e-12".
    let golden = Golden::read();
    let (x, y) = (golden.matrix("X3"), golden.matrix("Y3"));
    let at_one = LogEuclidean::default()
        .inner(&point(&golden, "A3", 1.0), &x, &y)
        .unwrap();
    close(at_one, -0.14970609399526433, 1e-13);
    for scale in [2f64.powi(-40), 2f64.powi(-87), 2f64.powi(60)] {
        let a = point(&golden, "A3", scale);
        let inner = LogEuclidean::default().inner(&a, &(&x * scale), &(&y * scale)).unwrap();
        close(inner, at_one, 1e-13);
    }
    // Relative gap 1e-9/3: quotients of differences keep 7 digits.
    let d = symmetric_eigen(&dmatrix![3.0, 0.0; 0.0, 3.0 + 1e-9]);
    let off = frechet(ScalarFunction::Pow(0.3), &d, &dmatrix![0.0, 1.0; 1.0, 0.0]);
    close(off[(0, 1)], 0.3 * (3.0f64 + 0.5e-9).powf(-0.7), 4.0 * f64::EPSILON);
}

#[test]
fn euclidean_domain_is_infinite_towards_the_cone() {
    let one = Spd::identity(3).unwrap();
    assert_eq!(
        Euclidean::default().exp_domain(&one, one.matrix()).unwrap(),
        (-1.0, f64::INFINITY)
    );
}

#[test]
fn bures_wasserstein_distances_of_nearly_equal_points() {
    let golden = Golden::read();
    let a = point(&golden, "A5", 1.0);
    let b = point(&golden, "A5", 1.0 + 2f64.powi(-30));
    // d(A, (1 + δ)A) = (√(1 + δ) − 1) √tr A.
    let exact = 0.5 * 2f64.powi(-30) * (1.0 - 0.25 * 2f64.powi(-30)) * a.matrix().trace().sqrt();
    let floor = 8.0 * 5.0 * f64::EPSILON * a.matrix().trace().sqrt();
    assert!((BuresWasserstein.distance(&a, &b).unwrap() - exact).abs() <= floor);
    assert!(BuresWasserstein.distance(&a, &a).unwrap() <= floor);
}

#[test]
fn distances_of_meg_covariances_do_not_vanish() {
    let golden = Golden::read();
    for scale in [2f64.powi(-40), 2f64.powi(-80)] {
        let (a, b) = (point(&golden, "A3", scale), point(&golden, "B3", scale));
        close(
            AffineInvariant::default().distance(&a, &b).unwrap(),
            1.8392177936085743,
            1e-13,
        );
        close(
            BuresWasserstein.distance(&a, &b).unwrap(),
            1.0835258653616018 * scale.sqrt(),
            1e-13,
        );
        close(
            LogEuclidean::default().distance(&a, &b).unwrap(),
            1.8060526220130397,
            1e-12,
        );
    }
}

#[test]
fn means_of_two_matrices_interpolate() {
    let golden = Golden::read();
    let (a, b) = (point(&golden, "A3", 1.0), point(&golden, "B3", 1.0));
    let batch = SpdBatch::try_from_matrices(&[a.matrix().clone(), b.matrix().clone()]).unwrap();
    let metric = AffineInvariant::default();
    let report = metric
        .mean(&batch, Some(&[0.25, 0.75]), &MeanOptions::default())
        .unwrap();
    let expected = metric.geodesic(&a, &b, 0.75).unwrap();
    assert!((report.mean.matrix() - expected.matrix()).norm() <= 1e-12 * expected.matrix().norm());
    let recursive = mean::bini_meini_poloni(&batch, &MeanOptions::default()).unwrap();
    let middle = metric.geodesic(&a, &b, 0.5).unwrap();
    assert!((recursive.mean.matrix() - middle.matrix()).norm() <= 1e-12 * middle.matrix().norm());
}

#[test]
fn bures_wasserstein_logarithms_of_points_that_do_not_commute() {
    let golden = Golden::read();
    let (a, b) = (point(&golden, "A3", 1.0), point(&golden, "B3", 1.0));
    let log = BuresWasserstein.log(&a, &b).unwrap();
    let back = BuresWasserstein.exp(&a, &log).unwrap();
    assert!((back.matrix() - b.matrix()).norm() <= 1e-13 * b.matrix().norm());
}

#[test]
fn the_least_affine_invariant_curvature_is_minus_one_half() {
    let one = Spd::identity(2).unwrap();
    let (x, y) = (dmatrix![1.0, 0.0; 0.0, -1.0], dmatrix![0.0, 1.0; 1.0, 0.0]);
    let k = AffineInvariant::default().sectional(&one, &x, &y).unwrap().unwrap();
    close(k, -0.5, 4.0 * f64::EPSILON);
}

#[test]
fn bures_wasserstein_is_not_complete() {
    let one = Spd::identity(3).unwrap();
    let x = DMatrix::from_diagonal(&nalgebra::dvector![-4.0, 0.0, 0.0]);
    assert!(!BuresWasserstein.is_complete());
    close(
        BuresWasserstein.injectivity_radius(&one).unwrap(),
        1.0,
        4.0 * f64::EPSILON,
    );
    let Err(Error::LeftDomain { t }) = BuresWasserstein.exp(&one, &x) else {
        panic!("left the manifold unnoticed")
    };
    close(t, 0.5, 4.0 * f64::EPSILON);
}

#[test]
fn bures_wasserstein_transport_is_isometric_also_at_condition_1e8() {
    let golden = Golden::read();
    for (from, to, tolerance) in [("A5", "B5", 1e-10), ("ILL_A5", "ILL_B5", 1e-6)] {
        let (a, b) = (point(&golden, from, 1.0), point(&golden, to, 1.0));
        let v = golden.matrix("Y5");
        let moved = BuresWasserstein.transport(&a, &b, &v).unwrap();
        assert!((&moved - &v).norm() > 1e-3 * v.norm());
        close(
            BuresWasserstein.norm(&b, &moved).unwrap(),
            BuresWasserstein.norm(&a, &v).unwrap(),
            tolerance,
        );
    }
}

#[test]
fn factored_logarithms_never_fail_at_condition_1e9() {
    for seed in 0..200 {
        let sample = Sample {
            order: 8,
            condition: 1e9,
            scale: 2f64.powi(-87),
            spectrum: Spectrum::Spread,
            seed,
        };
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let metric = AffineInvariant::default();
        let log = metric.log(&a, &b).unwrap();
        let d = metric.distance(&a, &b).unwrap();
        // n ε κ with a factor of 50.
        close(metric.norm(&a, &log).unwrap(), d, 50.0 * 8.0 * f64::EPSILON * 1e9);
    }
}

#[test]
fn ill_conditioned_pairs_keep_their_digits() {
    // Errors of factored forms measured on these pairs: 3e-11 and 1.5e-15; of the textbook form 9e-6 and 1e-10.
    let golden = Golden::read();
    let (a, b) = (point(&golden, "ILL_A5", 1.0), point(&golden, "ILL_B5", 1.0));
    close(
        AffineInvariant::default().distance(&a, &b).unwrap(),
        26.637492736983464,
        1e-10,
    );
    close(BuresWasserstein.distance(&a, &b).unwrap(), 1.4418323795742178, 1e-14);
}

#[test]
fn the_mean_of_ill_conditioned_matrices() {
    let golden = Golden::read();
    let names = ["ILL_A3", "ILL_B3", "A3"];
    let matrices: Vec<DMatrix<f64>> = names.iter().map(|name| golden.matrix(name)).collect();
    let batch = SpdBatch::try_from_matrices(&matrices).unwrap();
    let report = mean::affine_invariant(&batch, None, &MeanOptions::default()).unwrap();
    let case = golden
        .cases
        .iter()
        .find(|c| c.op == "mean" && c.metric == "affine_invariant" && c.inputs.len() == 3 && c.inputs[0] == "ILL_A3")
        .unwrap();
    let rows: Vec<Vec<f64>> = serde_json::from_value(case.result.clone()).unwrap();
    let expected = proofs_tests::spd::from_rows(&rows);
    let error = (report.mean.matrix() - &expected).norm() / expected.norm();
    // The textbook iteration reaches 1e-3 here.
    assert!(error <= 1e-11, "{error:e}");
}
