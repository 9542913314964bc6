//! Laws of the metrics: distances, exponentials, transport, curvature, means, on hard spectra at all scales.

use hadamard_geometry::check::check_metric;
use hadamard_geometry::mean::{self, MeanOptions};
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Euclidean, LogEuclidean, MixedPowerEuclidean, PowerAffine,
    PowerEuclidean,
};
use hadamard_geometry::{Error, Metric, Spd, SpdBatch};
use nalgebra::DMatrix;
use proofs_tests::spd::{Sample, closed_metrics, orthogonal, samples, symmetric, triangular_metrics};
use proptest::prelude::*;

/// Errors of factored forms are C n ε κ with C = 50 measured over orders to 16; the logarithms of eigenvalues at scales
/// of 1e-26 are about 60, another factor of 4 in their rounding.
const C: f64 = 200.0;

fn congruence(g: &DMatrix<f64>, a: &Spd) -> Spd {
    let m = g * a.matrix() * g.transpose();
    Spd::try_new((&m + m.transpose()) * 0.5).expect("congruent to an SPD matrix")
}

fn batch(points: &[Spd]) -> SpdBatch {
    let matrices: Vec<DMatrix<f64>> = points.iter().map(|p| p.matrix().clone()).collect();
    SpdBatch::try_from_matrices(&matrices).expect("SPD points")
}

fn distance(metric: &dyn Metric, a: &Spd, b: &Spd) -> f64 {
    metric.distance(a, b).expect("defined everywhere")
}

/// What errors of d(A, B) are relative to: the distance, and the lengths of the points as tangent vectors at themselves,
/// which say how far rounding of the entries moves them.
fn reach(metric: &dyn Metric, a: &Spd, b: &Spd) -> f64 {
    let own = |p: &Spd| metric.norm(p, p.matrix()).expect("a tangent vector");
    distance(metric, a, b) + own(a) + own(b)
}

fn hold_to_laws(
    metric: &dyn Metric,
    sample: &Sample,
    [a, b]: [&Spd; 2],
    [x, y]: [&DMatrix<f64>; 2],
) -> Result<(), TestCaseError> {
    let laws =
        check_metric(metric, a, b, x, y).map_err(|error| TestCaseError::fail(format!("{}: {error}", metric.name())))?;
    // Powers to 2 of the points square the condition; transport is integrated to 1e-13 a step.
    let bound = C * sample.rounding() * sample.condition.powi(2) + 1e-10;
    for law in laws {
        prop_assert!(law.error <= bound, "{} {:?} > {bound:e}", metric.name(), law);
    }
    Ok(())
}

proptest! {
    #[test]
    fn operations_fit_together(sample in samples(6, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        for metric in closed_metrics() {
            hold_to_laws(&*metric, &sample, [&a, &b], [&x, &y])?;
        }
        // Log-Cholesky adds lengths of units √ and of none: its conditioning depends on the units.
        let unit = Sample { scale: 1.0, ..sample };
        let mut rng = unit.rng();
        let (a, b) = (unit.spd(&mut rng), unit.spd(&mut rng));
        let (x, y) = (unit.tangent(&a, 1.0, &mut rng), unit.tangent(&a, 1.0, &mut rng));
        for metric in triangular_metrics() {
            hold_to_laws(&*metric, &unit, [&a, &b], [&x, &y])?;
        }
    }

    #[test]
    fn logarithms_keep_their_digits_at_condition_1e8(sample in samples(6, 1e8)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let bound = C * sample.rounding() * sample.condition;
        let metrics: [Box<dyn Metric>; 3] =
            [Box::new(AffineInvariant::default()), Box::new(LogEuclidean::default()), Box::new(BuresWasserstein)];
        for metric in &metrics {
            let log = metric.log(&a, &b).unwrap();
            let back = metric.exp(&a, &log).unwrap();
            prop_assert!((back.matrix() - b.matrix()).norm() <= bound * b.matrix().norm(), "{}", metric.name());
            let d = distance(&**metric, &a, &b);
            prop_assert!((metric.norm(&a, &log).unwrap() - d).abs() <= bound * reach(&**metric, &a, &b), "{}", metric.name());
            prop_assert!((distance(&**metric, &b, &a) - d).abs() <= bound * reach(&**metric, &a, &b));
        }
    }

    #[test]
    fn equal_points_are_at_distance_zero(sample in samples(6, 1e8)) {
        let a = sample.spd(&mut sample.rng());
        let root = a.matrix().trace().sqrt();
        let floor = C * sample.rounding() * sample.condition;
        prop_assert!(distance(&AffineInvariant::default(), &a, &a) <= floor);
        prop_assert!(distance(&BuresWasserstein, &a, &a) <= C * sample.rounding() * root);
        prop_assert_eq!(distance(&LogEuclidean::default(), &a, &a), 0.0);
        prop_assert_eq!(distance(&Euclidean::default(), &a, &a), 0.0);
    }

    #[test]
    fn orthogonal_invariance_triangle_and_eigenvalue_bound(sample in samples(6, 1e4)) {
        let mut rng = sample.rng();
        let (a, b, c) = (sample.spd(&mut rng), sample.spd(&mut rng), sample.spd(&mut rng));
        let r = orthogonal(sample.order, &mut rng);
        let (ra, rb) = (congruence(&r, &a), congruence(&r, &b));
        let slack = C * sample.rounding() * sample.condition.powi(2);
        for metric in closed_metrics() {
            let (ab, bc, ac) = (distance(&*metric, &a, &b), distance(&*metric, &b, &c), distance(&*metric, &a, &c));
            prop_assert!((distance(&*metric, &ra, &rb) - ab).abs() <= slack * reach(&*metric, &a, &b), "{}", metric.name());
            prop_assert!(ac <= ab + bc + slack * (reach(&*metric, &a, &b) + reach(&*metric, &b, &c)), "{}", metric.name());
            // d(A, B) ≥ distance of the sorted spectra, where φ(x, x) = a x^θ.
            let kernel = metric.extended_kernel().expect("invariant").kernel();
            let theta = kernel.degree().expect("homogeneous");
            let a0 = kernel.phi(1.0, 1.0);
            let potential = |x: f64| {
                let power = 1.0 - 0.5 * theta;
                (if power == 0.0 { x.ln() } else { x.powf(power) / power }) / a0.sqrt()
            };
            let bound = a.eigenvalues().map(potential) - b.eigenvalues().map(potential);
            prop_assert!(bound.norm() <= ab + slack * (reach(&*metric, &a, &b) + a.eigenvalues().map(potential).norm()), "{}", metric.name());
        }
    }

    #[test]
    fn scaling_of_distances_is_exact_in_powers_of_two(sample in samples(6, 1e6), k in -40..40i32) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let factor = 4f64.powi(k);
        let scaled = |m: &Spd| Spd::try_new(m.matrix() * factor).unwrap();
        let (sa, sb) = (scaled(&a), scaled(&b));
        let slack = C * sample.rounding() * sample.condition;
        for metric in closed_metrics() {
            let kernel = metric.extended_kernel().expect("invariant").kernel();
            let theta = kernel.degree().expect("homogeneous");
            let expected = distance(&*metric, &a, &b) * factor.powf(1.0 - 0.5 * theta);
            let slack = if metric.name().contains("affine") { slack * sample.condition } else { slack };
            prop_assert!((distance(&*metric, &sa, &sb) - expected).abs() <= slack * reach(&*metric, &sa, &sb), "{}", metric.name());
        }
    }

    #[test]
    fn invariances_of_the_affine_invariant_metric(sample in samples(6, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let metric = AffineInvariant::default();
        let d = distance(&metric, &a, &b);
        // G = I + small: condition below 10.
        let g = DMatrix::identity(sample.order, sample.order) + symmetric(sample.order, &mut rng) * (0.3 / sample.order as f64);
        let slack = C * sample.rounding() * sample.condition;
        prop_assert!((distance(&metric, &congruence(&g, &a), &congruence(&g, &b)) - d).abs() <= 100.0 * slack * reach(&metric, &a, &b));
        let inverse = |m: &Spd| Spd::try_new(m.eigen().map(f64::recip)).unwrap();
        prop_assert!((distance(&metric, &inverse(&a), &inverse(&b)) - d).abs() <= slack * sample.condition * reach(&metric, &a, &b));
        // Two steps of transport are one.
        let v = sample.tangent(&a, 1.0, &mut rng);
        let middle = metric.geodesic(&a, &b, 0.3).unwrap();
        let once = metric.transport(&a, &b, &v).unwrap();
        let twice = metric.transport(&middle, &b, &metric.transport(&a, &middle, &v).unwrap()).unwrap();
        prop_assert!((once.clone() - twice).norm() <= 100.0 * slack * once.norm());
    }

    #[test]
    fn comparison_theorem(sample in samples(6, 1e4)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let slack = 1.0 + C * sample.rounding() * sample.condition.powi(2);
        let chain = [
            distance(&LogEuclidean::default(), &a, &b),
            distance(&PowerAffine::try_new(0.5).unwrap(), &a, &b),
            distance(&AffineInvariant::default(), &a, &b),
            distance(&PowerAffine::polar(), &a, &b),
        ];
        let floor = (slack - 1.0) * reach(&AffineInvariant::default(), &a, &b);
        prop_assert!(chain.windows(2).all(|w| w[0] <= w[1] + floor), "{chain:?}");
        let bw = distance(&BuresWasserstein, &a, &b);
        let floor = (slack - 1.0) * reach(&BuresWasserstein, &a, &b);
        prop_assert!(2.0 * bw <= distance(&PowerEuclidean::try_new(0.5).unwrap(), &a, &b) + floor);
        prop_assert!(bw * bw <= (a.matrix().trace() + b.matrix().trace()) * slack);
    }

    #[test]
    fn curvature_bounds(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let alpha = 0.5 + (sample.seed % 7) as f64;
        let trace = TraceTerm::try_new(alpha, 0.25).unwrap();
        let slack = 1.0 + 1e-8;
        if let Some(k) = AffineInvariant::new(trace).sectional(&a, &x, &y).unwrap() {
            prop_assert!(k <= 0.0 && k >= -slack / (2.0 * alpha));
        }
        if let Some(k) = BuresWasserstein.sectional(&a, &x, &y).unwrap() {
            let d = a.eigenvalues();
            prop_assert!(k >= 0.0 && k * (d[0] + d[1]) <= 3.0 * slack);
            // The general machinery, and another basis of the plane.
            let general = BuresWasserstein.extended_kernel().unwrap().sectional(&a, &x, &y).unwrap().unwrap();
            let bound = C * sample.rounding() * sample.condition.powi(2) * 3.0 / (d[0] + d[1]) + 1e-8 * k;
            prop_assert!((general - k).abs() <= bound, "{general} {k}");
            let turned = BuresWasserstein.sectional(&a, &(&x + &y), &(&x * 2.0 - &y)).unwrap().unwrap();
            prop_assert!((turned - k).abs() <= bound);
        }
    }

    #[test]
    fn exponentials_know_where_they_end(sample in samples(5, 1e4)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let x = sample.tangent(&a, 1.0, &mut rng);
        let metrics: [Box<dyn Metric>; 4] = [
            Box::new(Euclidean::default()),
            Box::new(BuresWasserstein),
            Box::new(PowerEuclidean::try_new(0.5).unwrap()),
            Box::new(AlphaProcrustes::try_new(0.25).unwrap()),
        ];
        for metric in &metrics {
            let (lower, upper) = metric.exp_domain(&a, &x).unwrap();
            prop_assert!(lower < 0.0 && upper > 0.0);
            for end in [lower, upper] {
                if !end.is_finite() {
                    prop_assert!(metric.exp(&a, &(&x * (end.signum() * 4.0))).is_ok());
                    continue;
                }
                let beyond = metric.exp(&a, &(&x * (1.01 * end)));
                let Err(Error::LeftDomain { t }) = beyond else {
                    return Err(TestCaseError::fail(format!("{}: {beyond:?}", metric.name())));
                };
                prop_assert!((t * 1.01 - 1.0).abs() <= C * sample.rounding() * sample.condition.powi(2), "{t}");
                let before = metric.exp(&a, &(&x * (0.999 * end))).unwrap();
                prop_assert!(before.eigenvalues()[0] < a.eigenvalues()[a.order() - 1]);
            }
        }
    }

    #[test]
    fn special_cases_of_the_families(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let x = sample.tangent(&a, 1.0, &mut rng);
        let mpe = |p: f64, q: f64| -> Box<dyn Metric> { Box::new(MixedPowerEuclidean::try_new(p, q).unwrap()) };
        let pairs: [(Box<dyn Metric>, Box<dyn Metric>); 5] = [
            (mpe(1.0, 1.0), Box::new(Euclidean::default())),
            (mpe(0.0, 0.0), Box::new(LogEuclidean::default())),
            (mpe(1.0, -1.0), Box::new(AffineInvariant::default())),
            (mpe(0.5, 0.5), Box::new(PowerEuclidean::try_new(0.5).unwrap())),
            (mpe(0.7, -0.7), Box::new(PowerAffine::try_new(0.7).unwrap())),
        ];
        let slack = C * sample.rounding() * sample.condition.powi(2);
        for (first, second) in &pairs {
            let (f, s) = (first.norm(&a, &x).unwrap(), second.norm(&a, &x).unwrap());
            prop_assert!((f - s).abs() <= slack * s, "{} {}", first.name(), second.name());
        }
        let procrustes = distance(&AlphaProcrustes::try_new(0.5).unwrap(), &a, &b);
        let bw = distance(&BuresWasserstein, &a, &b);
        prop_assert!((procrustes - 2.0 * bw).abs() <= slack * reach(&BuresWasserstein, &a, &b));
        // p → 0: d^(p) = d_LE + O(p²).
        let le = distance(&LogEuclidean::default(), &a, &b);
        for p in [1e-3, 1e-2] {
            let d = distance(&PowerAffine::try_new(p).unwrap(), &a, &b);
            let width = sample.condition.ln().max(1.0);
            prop_assert!((d - le).abs() <= p * p * width * width * le + slack / p * reach(&LogEuclidean::default(), &a, &b), "{d} {le}");
        }
    }

    #[test]
    fn means(sample in samples(4, 1e3)) {
        let mut rng = sample.rng();
        let points: Vec<Spd> = (0..4).map(|_| sample.spd(&mut rng)).collect();
        let all = batch(&points);
        let weights = [0.5, 0.25, 0.125, 0.125];
        let options = MeanOptions { tolerance: 1e-11, max_iterations: 500 };
        let slack = 1e3 * sample.rounding() * sample.condition.powi(2) + 1e-9;
        // Two points: the geodesic, also with unequal weights.
        let two = batch(&points[..2]);
        for metric in closed_metrics().iter().chain(&triangular_metrics()) {
            let mean = metric.mean(&two, Some(&[1.0, 3.0]), &options).unwrap().mean;
            let expected = metric.geodesic(&points[0], &points[1], 0.75).unwrap();
            prop_assert!((mean.matrix() - expected.matrix()).norm() <= slack * expected.matrix().norm(), "{}", metric.name());
            // A doubled weight is a repeated matrix; the order does not matter.
            let repeated = batch(&[points[1].clone(), points[0].clone(), points[1].clone(), points[1].clone()]);
            let merged = metric.mean(&repeated, None, &options).unwrap().mean;
            prop_assert!((mean.matrix() - merged.matrix()).norm() <= slack * mean.matrix().norm(), "{}", metric.name());
        }
        let harmonic = mean::harmonic(&all, Some(&weights)).unwrap();
        let arithmetic = mean::arithmetic(&all, Some(&weights)).unwrap();
        let karcher = mean::affine_invariant(&all, Some(&weights), &options).unwrap().mean;
        let log_det: f64 = points.iter().zip(&weights).map(|(p, w)| w * p.log_det()).sum();
        prop_assert!((karcher.log_det() - log_det).abs() <= slack * (1.0 + log_det.abs()));
        let low = mean::power(&all, Some(&weights), -0.5, &options).unwrap().mean;
        let high = mean::power(&all, Some(&weights), 0.5, &options).unwrap().mean;
        let stein = mean::log_det(&all, Some(&weights), &options).unwrap().mean;
        let bures = mean::bures_wasserstein(&all, Some(&weights), &options).unwrap().mean;
        for (smaller, larger) in
            [(&harmonic, &low), (&low, &karcher), (&karcher, &high), (&high, &arithmetic), (&bures, &arithmetic), (&harmonic, &stein), (&stein, &arithmetic)]
        {
            let least = (larger.matrix() - smaller.matrix()).symmetric_eigenvalues().min();
            prop_assert!(least >= -slack * larger.matrix().norm(), "{least}");
        }
        // The median of three points of a geodesic is the middle one, and a far point does not move it.
        let metric = AffineInvariant::default();
        let line: Vec<Spd> = [0.0, 1.0, 2.5].iter().map(|&t| metric.geodesic(&points[0], &points[1], t).unwrap()).collect();
        if metric.distance(&points[0], &points[1]).unwrap() > 0.1 {
            let median = mean::median(&metric, &batch(&line), None, &options).unwrap().mean;
            prop_assert!(metric.distance(&median, &line[1]).unwrap() <= 1e-6 + slack);
        }
    }
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
        let gap = (descent.mean.matrix() - special.matrix()).norm() / special.matrix().norm();
        assert!(gap < 1e-7, "{} {gap:e}", metric.name());
    }
    let recursive = mean::bini_meini_poloni(&batch(&points[..4]), &options).unwrap();
    assert!(recursive.converged);
    let descent = mean::frechet(
        &MixedPowerEuclidean::bogoliubov_kubo_mori(),
        &batch(&points[..2]),
        None,
        &options,
    )
    .unwrap();
    assert!(descent.converged, "{descent:?}");
}
