//! Laws of means and medians.
//!
//! | law | here |
//! |---|---|
//! | 39 gradient and certificate, 40 determinant | `law_39_40_karcher` |
//! | 41 order of the means | `law_41_order` |
//! | 42 permutations, weights, two points | `law_42_permutations_weights_two_points` |
//! | 43 equivariance: congruence, rotations, inversion, powers | `law_43_equivariance` |
//! | 44 Bures-Wasserstein fixed point and descent | `law_44_bures_wasserstein` |
//! | 45 medians | `law_45_medians` |
//! | singular matrices | `singular_matrices` |

use hadamard_geometry::mean::{self, MeanOptions};
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Euclidean, LogEuclidean, MixedPowerEuclidean, PowerEuclidean,
};
use hadamard_geometry::{Error, Metric, Psd, Spd};
use nalgebra::DMatrix;
use proofs_tests::spd::{
    Sample, batch, closed_metrics, condition_power, congruence, distance, gap, gaussian, inverse, orthogonal, samples,
    symmetric, triangular_metrics,
};
use proptest::prelude::*;

const WEIGHTS: [f64; 4] = [0.5, 0.25, 0.125, 0.125];
const OPTIONS: MeanOptions = MeanOptions {
    tolerance: 1e-12,
    max_iterations: 500,
};

fn points(sample: &Sample) -> (Vec<Spd>, rand_pcg::Pcg64) {
    let mut rng = sample.rng();
    ((0..4).map(|_| sample.spd(&mut rng)).collect(), rng)
}

fn mean(metric: &dyn Metric, points: &[Spd], weights: Option<&[f64]>) -> Spd {
    metric.mean(&batch(points), weights, &OPTIONS).unwrap().mean
}

/// λ_min(B − A) ≥ −slack ‖B‖.
fn below(a: &Spd, b: &Spd, slack: f64) -> bool {
    (b.matrix() - a.matrix()).symmetric_eigenvalues().min() >= -slack * b.matrix().norm()
}

proptest! {
    #[test]
    fn law_39_40_karcher(sample in samples(5, 1e6)) {
        let (points, _) = points(&sample);
        let metric = AffineInvariant::default();
        let report = metric.mean(&batch(&points), Some(&WEIGHTS), &OPTIONS).unwrap();
        let m = &report.mean;
        // The gradient measured by logarithms at the mean.
        let mut gradient = m.matrix() * 0.0;
        for (x, w) in points.iter().zip(WEIGHTS) {
            gradient += metric.log(m, x).unwrap() * w;
        }
        let spread = points.iter().map(|x| distance(&metric, m, x)).fold(1.0, f64::max);
        let floor = sample.slack(1) * spread;
        let norm = metric.norm(m, &gradient).unwrap();
        prop_assert!(norm <= OPTIONS.tolerance + floor, "{norm:e}");
        // A mean stopped early is as near as its certificate says.
        let early = metric.mean(&batch(&points), Some(&WEIGHTS), &MeanOptions { tolerance: 0.1, max_iterations: 100 }).unwrap();
        let certificate = early.certified_error.expect("Hadamard");
        prop_assert!(distance(&metric, &early.mean, m) <= certificate * (1.0 + 1e-6) + floor);
        let log_det: f64 = points.iter().zip(WEIGHTS).map(|(p, w)| w * p.log_det()).sum();
        prop_assert!((m.log_det() - log_det).abs() <= floor + sample.slack(0) * log_det.abs(), "{}", m.log_det() - log_det);
    }

    #[test]
    fn law_41_order(sample in samples(4, 1e4)) {
        let (points, _) = points(&sample);
        let all = batch(&points);
        let weights = Some(&WEIGHTS[..]);
        let harmonic = mean::harmonic(&all, weights).unwrap();
        let arithmetic = mean::arithmetic(&all, weights).unwrap();
        let karcher = mean::affine_invariant(&all, weights, &OPTIONS).unwrap().mean;
        let low = mean::power(&all, weights, -0.5, &OPTIONS).unwrap().mean;
        let high = mean::power(&all, weights, 0.5, &OPTIONS).unwrap().mean;
        let stein = mean::log_det(&all, weights, &OPTIONS).unwrap().mean;
        let bures = mean::bures_wasserstein(&all, weights, &OPTIONS).unwrap().mean;
        // Linear convergence of the log-det mean stops a step short; orders hold to rounding of the larger.
        for (smaller, larger) in [
            (&harmonic, &low), (&low, &karcher), (&karcher, &high), (&high, &arithmetic),
            (&bures, &arithmetic), (&harmonic, &stein), (&stein, &arithmetic),
        ] {
            prop_assert!(below(smaller, larger, sample.slack(0) + 1e-11));
        }
        let le = mean::log_euclidean(&all, weights).unwrap();
        prop_assert!(karcher.matrix().trace() <= le.matrix().trace() * (1.0 + sample.slack(1)));
        prop_assert!(le.matrix().trace() <= arithmetic.matrix().trace() * (1.0 + sample.slack(1)));
    }

    #[test]
    fn law_42_permutations_weights_two_points(sample in samples(4, 1e3)) {
        let (points, _) = points(&sample);
        for metric in closed_metrics().iter().chain(&triangular_metrics()) {
            // Iterated ones stop at the tolerance, which their Hessians magnify little.
            let slack = sample.slack(condition_power(&**metric)) + 1e-10;
            let m = mean(&**metric, &points[..2], Some(&[1.0, 3.0]));
            let expected = metric.geodesic(&points[0], &points[1], 0.75).unwrap();
            prop_assert!(gap(m.matrix(), expected.matrix()) <= slack, "{} {:e}", metric.name(), gap(m.matrix(), expected.matrix()));
            let repeated = [&points[1], &points[0], &points[1], &points[1]].map(Clone::clone);
            let merged = mean(&**metric, &repeated, None);
            prop_assert!(gap(merged.matrix(), m.matrix()) <= slack, "{}", metric.name());
            let one = mean(&**metric, &points, Some(&WEIGHTS));
            let backwards: Vec<Spd> = points.iter().rev().cloned().collect();
            let reversed = [0.125, 0.125, 0.25, 0.5].map(|w| 8.0 * w);
            let other = mean(&**metric, &backwards, Some(&reversed));
            prop_assert!(gap(other.matrix(), one.matrix()) <= slack, "{}", metric.name());
        }
    }

    /// Weighted Bini-Meini-Poloni means: two points, matrices of weight zero, determinants, congruences, commuting matrices.
    #[test]
    fn recursive_means_with_weights(sample in samples(4, 1e2)) {
        let (points, mut rng) = points(&sample);
        let options = MeanOptions { tolerance: 1e-11, max_iterations: 200 };
        let bmp = |points: &[Spd], weights: &[f64]| mean::bini_meini_poloni(&batch(points), Some(weights), &options).unwrap();
        let slack = sample.slack(1) + 1e-10;
        let two = bmp(&points[..3], &[1.0, 0.0, 3.0]).mean;
        let expected = AffineInvariant::default().geodesic(&points[0], &points[2], 0.75).unwrap();
        prop_assert!(gap(two.matrix(), expected.matrix()) <= slack);
        let report = bmp(&points[..3], &WEIGHTS[..3]);
        prop_assert!(report.converged, "{report:?}");
        let total: f64 = WEIGHTS[..3].iter().sum();
        let sum: f64 = points.iter().zip(&WEIGHTS[..3]).map(|(p, w)| w / total * p.log_det()).sum();
        let largest = points.iter().map(|p| p.log_det().abs()).fold(1.0, f64::max);
        prop_assert!((report.mean.log_det() - sum).abs() <= slack * largest, "{:e}", report.mean.log_det() - sum);
        let g = DMatrix::identity(sample.order, sample.order) + symmetric(sample.order, &mut rng) * (0.3 / sample.order as f64);
        let moved: Vec<Spd> = points.iter().map(|p| congruence(&g, p)).collect();
        let error = gap(bmp(&moved[..3], &WEIGHTS[..3]).mean.matrix(), congruence(&g, &report.mean).matrix());
        prop_assert!(error <= 10.0 * slack, "{error:e}");
        let diagonal: Vec<Spd> = points.iter().map(|p| Spd::try_new(DMatrix::from_diagonal(&p.matrix().diagonal())).unwrap()).collect();
        let expected = mean(&LogEuclidean::default(), &diagonal[..3], Some(&WEIGHTS[..3]));
        prop_assert!(gap(bmp(&diagonal[..3], &WEIGHTS[..3]).mean.matrix(), expected.matrix()) <= slack);
    }

    #[test]
    fn law_43_equivariance(sample in samples(4, 1e3), exponent in prop::sample::select(vec![0.5, -1.0, 2.0])) {
        let (points, mut rng) = points(&sample);
        let weights = Some(&WEIGHTS[..]);
        let r = orthogonal(sample.order, &mut rng);
        let turned: Vec<Spd> = points.iter().map(|p| congruence(&r, p)).collect();
        for metric in closed_metrics() {
            let slack = sample.slack(condition_power(&*metric)) + 1e-10;
            let expected = congruence(&r, &mean(&*metric, &points, weights));
            let found = mean(&*metric, &turned, weights);
            prop_assert!(gap(found.matrix(), expected.matrix()) <= slack, "{}", metric.name());
        }
        let affine = AffineInvariant::default();
        let g = DMatrix::identity(sample.order, sample.order) + symmetric(sample.order, &mut rng) * (0.3 / sample.order as f64);
        let moved: Vec<Spd> = points.iter().map(|p| congruence(&g, p)).collect();
        let expected = congruence(&g, &mean(&affine, &points, weights));
        let error = gap(mean(&affine, &moved, weights).matrix(), expected.matrix());
        prop_assert!(error <= 10.0 * sample.slack(1) + 1e-10, "{error:e}");
        let inverses: Vec<Spd> = points.iter().map(inverse).collect();
        for metric in [&affine as &dyn Metric, &LogEuclidean::default()] {
            let expected = inverse(&mean(metric, &points, weights));
            let error = gap(mean(metric, &inverses, weights).matrix(), expected.matrix());
            prop_assert!(error <= sample.slack(2) + 1e-10, "{} {error:e}", metric.name());
        }
        // The mean of the powers under the base is the power of the mean under the deformed metric.
        let unit: Vec<Spd> = points.iter().map(|p| Spd::try_new(p.matrix() / sample.scale).unwrap()).collect();
        let power = |p: &Spd, e: f64| Spd::try_new(p.eigen().map(|x| x.powf(e))).unwrap();
        let powers: Vec<Spd> = unit.iter().map(|p| power(p, exponent)).collect();
        let pairs: [(Box<dyn Metric>, Box<dyn Metric>); 2] = [
            (Box::new(PowerEuclidean::try_new(exponent).unwrap()), Box::new(Euclidean::default())),
            (Box::new(AlphaProcrustes::try_new(0.5 * exponent).unwrap()), Box::new(BuresWasserstein)),
        ];
        for (deformed, base) in &pairs {
            let expected = mean(&**base, &powers, weights);
            let found = power(&mean(&**deformed, &unit, weights), exponent);
            let error = gap(found.matrix(), expected.matrix());
            prop_assert!(error <= sample.slack(2) + 1e-9, "{} {error:e}", deformed.name());
        }
    }

    #[test]
    fn law_44_bures_wasserstein(sample in samples(5, 1e6)) {
        let (points, _) = points(&sample);
        let all = batch(&points);
        let report = mean::bures_wasserstein(&all, Some(&WEIGHTS), &OPTIONS).unwrap();
        let m = &report.mean;
        // M = Σ wᵢ (M^½ Xᵢ M^½)^½.
        let root = m.eigen().map(f64::sqrt);
        let mut image = m.matrix() * 0.0;
        for (x, w) in points.iter().zip(WEIGHTS) {
            let product = &root * x.matrix() * &root;
            let product = hadamard_geometry::eigen::symmetric_eigen(&((&product + product.transpose()) * 0.5));
            image += product.map(|d| d.max(0.0).sqrt()) * w;
        }
        // Square roots of products lose half the digits of the small eigenvalues.
        prop_assert!(gap(&image, m.matrix()) <= sample.slack(0) * sample.condition.sqrt() + 1e-11, "{:e}", gap(&image, m.matrix()));
        let objective = |m: &Spd| -> f64 {
            points.iter().zip(WEIGHTS).map(|(x, w)| w * distance(&BuresWasserstein, m, x).powi(2)).sum()
        };
        let mut last = objective(&mean::arithmetic(&all, Some(&WEIGHTS)).unwrap());
        for max_iterations in 1..5 {
            let stopped = mean::bures_wasserstein(&all, Some(&WEIGHTS), &MeanOptions { tolerance: 0.0, max_iterations }).unwrap();
            let value = objective(&stopped.mean);
            prop_assert!(value <= last * (1.0 + sample.slack(0)) + sample.slack(0) * m.matrix().trace(), "{value} {last}");
            last = value;
        }
    }

    #[test]
    fn law_45_medians(sample in samples(3, 100.0), far in 1.0..6.0f64) {
        let (points, _) = points(&sample);
        let metrics: [Box<dyn Metric>; 4] = [
            Box::new(AffineInvariant::default()),
            Box::new(LogEuclidean::default()),
            Box::new(Euclidean::default()),
            Box::new(PowerEuclidean::try_new(0.5).unwrap()),
        ];
        for metric in &metrics {
            if metric.distance(&points[0], &points[1]).unwrap() <= 0.01 * reach_of(&**metric, &points[0]) {
                continue;
            }
            // Between the two only, where every metric has its geodesics.
            let line: Vec<Spd> = [0.0, 0.4, 1.0].iter().map(|&t| metric.geodesic(&points[0], &points[1], t).unwrap()).collect();
            let report = metric.median(&batch(&line), None, &OPTIONS).unwrap();
            let error = metric.distance(&report.mean, &line[1]).unwrap() / metric.distance(&line[0], &line[2]).unwrap();
            prop_assert!(error <= 1e-6, "{} {error:e}", metric.name());
        }
        // One point of four moved away: the median stays within a bound that does not know how far.
        let metric = AffineInvariant::default();
        let options = MeanOptions { tolerance: 1e-6, max_iterations: 1000 };
        let centre = metric.median(&batch(&points[..3]), None, &options).unwrap().mean;
        let radius = points[..3].iter().map(|p| distance(&metric, &centre, p)).fold(0.0, f64::max);
        let moved = Spd::try_new(points[3].matrix() * 10f64.powf(far)).unwrap();
        let with = [&points[..3], &[moved]].concat();
        let median = metric.median(&batch(&with), None, &options).unwrap().mean;
        // Lopuhaä and Rousseeuw: with a quarter of outliers at most twice the radius over (1 − 1/3)… : 3 radii in all.
        prop_assert!(distance(&metric, &median, &centre) <= 3.0 * radius + 1e-4, "{} {radius}", distance(&metric, &median, &centre));
    }

    #[test]
    fn singular_matrices(order in 1..6usize, rank in 0..5usize, other in 0..6usize, exponent in -26..6i32, seed in any::<u64>(), t in 0.0..1.0f64) {
        let mut rng = <rand_pcg::Pcg64 as rand::SeedableRng>::seed_from_u64(seed);
        let scale = 10f64.powi(exponent).sqrt();
        let (rank, other) = (rank.min(order), other.min(order));
        let mut psd = |r: usize| Psd::from_factor(&(gaussian(order, r, &mut rng) * scale)).unwrap();
        let (a, b, full) = (psd(rank), psd(other), psd(order + 1));
        prop_assert!(a.rank() == rank && b.rank() == other);
        let size = (a.matrix().trace() + b.matrix().trace()).sqrt();
        let slack = 50.0 * order as f64 * f64::EPSILON;
        let metrics: [Box<dyn Metric>; 4] = [
            Box::new(Euclidean::default()),
            Box::new(BuresWasserstein),
            Box::new(PowerEuclidean::try_new(0.5).unwrap()),
            Box::new(AlphaProcrustes::try_new(0.25).unwrap()),
        ];
        for metric in &metrics {
            let d = metric.distance_semidefinite(&a, &b).unwrap();
            let origin = Psd::from_factor(&DMatrix::zeros(order, 0)).unwrap();
            let size = metric.distance_semidefinite(&a, &origin).unwrap() + metric.distance_semidefinite(&b, &origin).unwrap();
            prop_assert!((metric.distance_semidefinite(&b, &a).unwrap() - d).abs() <= slack * size);
            prop_assert!(metric.distance_semidefinite(&a, &a).unwrap() <= 10.0 * slack * size, "{}", metric.name());
            let point = metric.geodesic_semidefinite(&a, &b, t).unwrap();
            // Powers of 1/2 turn rounding ε of a singular matrix into √ε.
            let loss = if metric.name().contains('(') { 1e-7 } else { 1e-12 };
            let half = metric.distance_semidefinite(&a, &point).unwrap();
            prop_assert!((half - t * d).abs() <= loss * size, "{} {half} {t} {d}", metric.name());
            // With an invertible matrix among them the mean is unique and has every law of two points.
            let report = metric.mean_semidefinite(&[full.clone(), b.clone()], Some(&[1.0 - t, t]), &OPTIONS).unwrap();
            if t > 0.05 && t < 0.95 {
                let middle = metric.geodesic_semidefinite(&full, &b, t).unwrap();
                let error = (report.mean.matrix() - middle.matrix()).norm() / (full.matrix().norm() + b.matrix().norm());
                prop_assert!(error <= 1e-6, "{} {error:e} {report:?}", metric.name());
            }
        }
        let bw = BuresWasserstein.distance_semidefinite(&a, &b).unwrap();
        prop_assert!(bw <= size * (1.0 + slack));
        let undefined = AffineInvariant::default().distance_semidefinite(&a, &b);
        prop_assert!(matches!(undefined, Err(Error::Unsupported { .. })), "{undefined:?}");
        prop_assert!(PowerEuclidean::try_new(-1.0).unwrap().distance_semidefinite(&a, &b).is_err());
    }
}

fn reach_of(metric: &dyn Metric, a: &Spd) -> f64 {
    metric.norm(a, a.matrix()).unwrap()
}

#[test]
fn gradient_descent_finds_the_same_means() {
    let sample = Sample {
        order: 4,
        condition: 50.0,
        scale: 1e-12,
        spectrum: proofs_tests::spd::Spectrum::Spread,
        seed: 3,
    };
    let mut rng = sample.rng();
    let points: Vec<Spd> = (0..5).map(|_| sample.spd(&mut rng)).collect();
    let all = batch(&points);
    let options = MeanOptions {
        tolerance: 1e-10,
        max_iterations: 200,
    };
    for metric in closed_metrics() {
        let descent = mean::frechet(&*metric, &all, None, &options).unwrap();
        assert!(descent.converged, "{} {descent:?}", metric.name());
        let special = metric.mean(&all, None, &options).unwrap().mean;
        let error = gap(descent.mean.matrix(), special.matrix());
        assert!(error < 1e-7, "{} {error:e}", metric.name());
        // The median of a flat metric without exponentials is that of Weiszfeld's iteration with them.
        let flat = metric.median(&all, None, &options).unwrap();
        let general = mean::median(&*metric, &all, None, &options).unwrap();
        let error = gap(flat.mean.matrix(), general.mean.matrix());
        assert!(error < 1e-8, "{} {error:e}", metric.name());
    }
    let recursive = mean::bini_meini_poloni(&batch(&points[..4]), None, &options).unwrap();
    assert!(recursive.converged);
    let bkm = MixedPowerEuclidean::bogoliubov_kubo_mori();
    let two = batch(&points[..2]);
    let descent = mean::frechet(&bkm, &two, Some(&[1.0, 3.0]), &options).unwrap();
    let expected = bkm.geodesic(&points[0], &points[1], 0.75).unwrap();
    assert!(gap(descent.mean.matrix(), expected.matrix()) < 1e-9);
    let three = Sample { order: 2, ..sample };
    let mut rng = three.rng();
    let points: Vec<Spd> = (0..3).map(|_| three.spd(&mut rng)).collect();
    let mean = bkm.mean(&batch(&points), None, &options).unwrap();
    assert!(mean.converged, "{mean:?}");
    let options = MeanOptions {
        tolerance: 1e-6,
        max_iterations: 200,
    };
    let median = bkm.median(&batch(&points), None, &options).unwrap();
    assert!(median.converged, "{median:?}");
}
