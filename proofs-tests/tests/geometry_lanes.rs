//! Pairs and means side by side in vector lanes against the routes of single pairs, and the same bits on any number of
//! threads.

use hadamard_geometry::mean::{self, MeanOptions};
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Cholesky, Euclidean, LogCholesky, LogEuclidean, PowerAffine,
    PowerEuclidean,
};
use hadamard_geometry::{Error, Metric, Spd, SpdBatch};
use nalgebra::DMatrix;
use proofs_tests::spd::{closed_metrics, triangular_metrics, with_spectrum};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Points of one order whose condition numbers are about `condition`, with repeated eigenvalues among them.
fn points(order: usize, count: usize, condition: f64, scale: f64, seed: u64) -> Vec<Spd> {
    let mut rng = Pcg64::seed_from_u64(seed);
    (0..count)
        .map(|index| {
            let d: Vec<f64> = (0..order)
                .map(|k| match index % 3 {
                    0 => scale * condition.powf(rng.random_range(-0.5..0.5)),
                    1 => scale * condition.powf((k % 2) as f64 - 0.5),
                    _ => scale * (1.0 + 1e-13 * k as f64),
                })
                .collect();
            with_spectrum(&d, &mut rng)
        })
        .collect()
}

fn batch(points: &[Spd]) -> SpdBatch {
    let matrices: Vec<DMatrix<f64>> = points.iter().map(|p| p.matrix().clone()).collect();
    SpdBatch::try_from_matrices(&matrices).expect("SPD points")
}

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool").install(work)
}

#[test]
fn distances_of_a_batch_are_those_of_its_pairs() {
    let metrics: [Box<dyn Metric>; 12] = [
        Box::new(AffineInvariant::default()),
        Box::new(AffineInvariant::new(TraceTerm::try_new(2.0, 0.5).unwrap())),
        Box::new(LogEuclidean::default()),
        Box::new(LogEuclidean::new(TraceTerm::try_new(2.0, 0.5).unwrap())),
        Box::new(BuresWasserstein),
        Box::new(PowerEuclidean::try_new(0.5).unwrap()),
        Box::new(PowerAffine::try_new(0.5).unwrap()),
        Box::new(AlphaProcrustes::try_new(0.75).unwrap()),
        Box::new(Euclidean::default()),
        Box::new(Euclidean::new(TraceTerm::try_new(2.0, 0.5).unwrap())),
        Box::new(Cholesky::default()),
        Box::new(LogCholesky::default()),
    ];
    for order in [1, 2, 3, 7, 8, 9, 32, 50] {
        for (condition, scale) in [(1.0, 1.0), (10.0, 1e-26), (1e4, 1e6), (1e8, 1e-12)] {
            let points = points(order, 11, condition, scale, order as u64);
            for metric in &metrics {
                let found = metric.pairwise(&batch(&points)).unwrap();
                let alone = metric.pairwise_points(&points).unwrap();
                assert_eq!(found, found.transpose());
                assert_eq!(alone, alone.transpose());
                for i in 0..points.len() {
                    assert_eq!(found[(i, i)], 0.0);
                    for j in 0..i {
                        let expected = metric.distance(&points[i], &points[j]).unwrap();
                        // Both routes start from factors with errors n ε √κ; eigenvalues of CCᵀ that spread by ρ <= κ²,
                        // and by at most 1e6, add n ε ρ to the smallest logarithm. Lengths of the points: √n in the
                        // affine-invariant metric, √(n κ scale) in that of Bures and Wasserstein, 60 √n for logarithms at 1e-26.
                        let rho = (condition * condition).min(1e6).max(condition);
                        let length = expected + metric.norm(&points[i], points[i].matrix()).unwrap() * 60.0;
                        let bound = 50.0 * order as f64 * f64::EPSILON * rho * length;
                        let gap = (found[(i, j)] - expected).abs().max((alone[(i, j)] - expected).abs());
                        assert!(
                            gap <= bound,
                            "{} order {order} condition {condition:e}: {gap:e} > {bound:e}",
                            metric.name()
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (order, condition) in [(3, 1e2), (13, 1e4), (32, 1e8)] {
        let batch = batch(&points(order, 19, condition, 1.0, 5));
        let options = MeanOptions::default();
        let all = |threads| {
            in_threads(threads, || {
                let ai = mean::affine_invariant(&batch, None, &options).unwrap();
                let bw = mean::bures_wasserstein(&batch, None, &options).unwrap();
                let le = mean::log_euclidean(&batch, None).unwrap();
                let pairs = [
                    AffineInvariant::default().pairwise(&batch).unwrap(),
                    LogEuclidean::default().pairwise(&batch).unwrap(),
                    BuresWasserstein.pairwise(&batch).unwrap(),
                ];
                (ai.mean.into_matrix(), bw.mean.into_matrix(), le.into_matrix(), pairs)
            })
        };
        let one = all(1);
        for threads in [2, 3] {
            assert_eq!(one, all(threads), "order {order}, {threads} threads");
        }
    }
}

#[test]
fn the_affine_invariant_mean_certifies_itself_by_the_logarithms_of_single_pairs() {
    for (order, condition) in [(1, 1e2), (2, 10.0), (5, 1e4), (9, 1e2), (20, 1e3), (33, 1e2)] {
        let points = points(order, 19, condition, 1e-12, 9);
        let mut rng = Pcg64::seed_from_u64(1);
        let weights: Vec<f64> = (0..points.len()).map(|_| rng.random_range(0.0..1.0)).collect();
        let report = mean::affine_invariant(&batch(&points), Some(&weights), &MeanOptions::default()).unwrap();
        let sum: f64 = weights.iter().sum();
        let metric = AffineInvariant::default();
        let mut gradient = DMatrix::zeros(order, order);
        for (point, w) in points.iter().zip(&weights) {
            gradient += metric.log(&report.mean, point).unwrap() * (w / sum);
        }
        let norm = metric.norm(&report.mean, &gradient).unwrap();
        // The mean is rounded once when it is formed, which moves it by n ε κ; its own norm is certified to 1e-12.
        let bound = 1e-12 + 50.0 * order as f64 * f64::EPSILON * condition;
        assert!(norm <= bound, "order {order}: {norm:e} > {bound:e}");
    }
}

#[test]
fn batches_without_matrices_and_forms_that_are_not_positive() {
    let empty = SpdBatch::try_from_vec(3, Vec::new()).unwrap();
    let mixed = [points(4, 1, 10.0, 1.0, 0), points(3, 1, 10.0, 1.0, 0)].concat();
    for metric in closed_metrics().into_iter().chain(triangular_metrics()) {
        assert_eq!(metric.pairwise(&empty).unwrap().shape(), (0, 0));
        assert_eq!(metric.pairwise_points(&[]).unwrap().shape(), (0, 0));
        let single = batch(&mixed[..1]);
        assert_eq!(metric.pairwise(&single).unwrap(), DMatrix::zeros(1, 1));
        let error = metric.pairwise_points(&mixed).unwrap_err();
        assert!(
            matches!(
                error,
                Error::DimensionMismatch {
                    expected: 3 | 4,
                    found: 3 | 4,
                    ..
                }
            ),
            "{}: {error}",
            metric.name()
        );
    }
    let indefinite = AffineInvariant::new(TraceTerm::try_new(1.0, -0.5).unwrap());
    let three = batch(&points(3, 2, 10.0, 1.0, 0));
    assert!(matches!(
        indefinite.pairwise(&three),
        Err(Error::InvalidParameter { name: "beta", .. })
    ));
}

#[test]
fn distances_of_nearly_equal_points_keep_their_digits() {
    let mut rng = Pcg64::seed_from_u64(3);
    for order in [1, 3, 8, 20] {
        for exponent in [-20, -30, -45] {
            let d: Vec<f64> = (0..order).map(|k| 1.0 + 10.0 * k as f64 / order as f64).collect();
            let a = with_spectrum(&d, &mut rng);
            // Powers of two: A(1 + δ) may round, so the distance is that of what was stored.
            let delta = 2f64.powi(exponent);
            let stored = a.matrix().map(|x| x * (1.0 + delta));
            let b = Spd::try_new(stored).unwrap();
            // Rounding moves the entries by ε/2 relative, which δ magnifies; κ <= 11.
            let tolerance = 1e-13 + 11.0 * order as f64 * f64::EPSILON / delta;
            let affine = delta.ln_1p() * (order as f64).sqrt();
            let found = AffineInvariant::default().distance(&a, &b).unwrap();
            assert!(
                (found / affine - 1.0).abs() <= tolerance,
                "{order} {exponent}: {found:e} {affine:e}"
            );
            let bures = delta / (1.0 + (1.0 + delta).sqrt()) * a.matrix().trace().sqrt();
            let found = BuresWasserstein.distance(&a, &b).unwrap();
            assert!(
                (found / bures - 1.0).abs() <= tolerance,
                "{order} {exponent}: {found:e} {bures:e}"
            );
        }
    }
}
