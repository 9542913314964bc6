//! The kernel engine: against closed forms, conservation laws, finite differences, and for kernels that users write.
//!
//! | law | here |
//! |---|---|
//! | 28 commuting matrices | `law_28_commuting_points_have_closed_distances_and_exponentials` |
//! | 30 conservation along geodesics, 31 closed geodesics | `law_30_31_the_flow_is_the_closed_exponential_and_conserves` |
//! | 32 symmetry and Koszul's formula, 33 geodesic acceleration | `law_32_33_connection_and_curvature_by_differences` |

use std::cmp::Ordering;

use hadamard_geometry::check::{KernelClass, check_kernel, check_metric, compare_kernels};
use hadamard_geometry::kernel::{ExtendedKernel, Kernel, KernelMetric};
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{
    AffineInvariant, BuresWasserstein, Euclidean, LogEuclidean, MixedPowerEuclidean, PowerAffine, PowerEuclidean,
};
use hadamard_geometry::{Error, Metric, Spd};
use nalgebra::{DMatrix, dmatrix};
use proofs_tests::spd::{C, Sample, Spectrum, SquaredArithmetic, closed_metrics, integrated_metrics, samples};
use proptest::prelude::*;

const POINTS: [f64; 8] = [1e-6, 1e-3, 0.3, 0.9999999, 1.0, 2.5, 40.0, 1e5];

fn sample(order: usize, seed: u64) -> Sample {
    Sample {
        order,
        condition: 20.0,
        scale: 1.0,
        spectrum: Spectrum::Spread,
        seed,
    }
}

/// The engine of a metric without its closed forms.
fn engine(metric: &dyn Metric) -> ExtendedKernel<'_> {
    metric.extended_kernel().expect("invariant")
}

proptest! {
    #[test]
    fn closed_forms_are_those_of_the_kernel(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        for metric in closed_metrics() {
            let general = engine(&*metric);
            let slack = C * sample.rounding() * sample.condition.powi(2);
            let (nx, ny) = (metric.norm(&a, &x).unwrap(), metric.norm(&a, &y).unwrap());
            let gap = metric.inner(&a, &x, &y).unwrap() - general.inner(&a, &x, &y).unwrap();
            prop_assert!(gap.abs() <= slack * nx * ny, "{}", metric.name());
            let gamma = metric.christoffel(&a, &x, &y).unwrap() - general.christoffel(&a, &x, &y).unwrap();
            let size = nx * ny / metric.norm(&a, a.matrix()).unwrap();
            prop_assert!(metric.norm(&a, &gamma).unwrap() <= 100.0 * slack * size, "{} {:e}", metric.name(), metric.norm(&a, &gamma).unwrap() / size);
            let white = metric.whiten(&a, &x).unwrap() - general.whiten(&a, &x).unwrap();
            prop_assert!(white.norm() <= slack * nx, "{}", metric.name());
        }
    }

    #[test]
    fn law_30_31_the_flow_is_the_closed_exponential_and_conserves(sample in samples(4, 1e2)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let x = sample.tangent(&a, 0.3, &mut rng);
        let metrics: [Box<dyn Metric>; 5] = [
            Box::new(Euclidean::default()),
            Box::new(LogEuclidean::default()),
            Box::new(AffineInvariant::default()),
            Box::new(BuresWasserstein),
            Box::new(PowerAffine::polar()),
        ];
        for metric in &metrics {
            let Ok(closed) = metric.exp(&a, &x) else { continue };
            let flowed = engine(&**metric).exp(&a, &x).unwrap();
            let gap = (closed.matrix() - flowed.matrix()).norm() / closed.matrix().norm();
            prop_assert!(gap <= 1e-9, "{} {gap:e}", metric.name());
        }
    }
}

#[test]
fn integrated_metrics_obey_the_laws() {
    for seed in 0..3 {
        let sample = sample(2 + seed as usize % 2, seed);
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let (x, y) = (sample.tangent(&a, 0.5, &mut rng), sample.tangent(&a, 0.5, &mut rng));
        for metric in integrated_metrics() {
            for law in check_metric(&*metric, &a, &b, &x, &y).unwrap() {
                assert!(law.error < 1e-9, "{} {law:?}", metric.name());
            }
        }
    }
}

#[test]
fn law_30_hamiltonian_and_momentum_are_conserved() {
    let trace = TraceTerm::try_new(2.0, 0.5).unwrap();
    let sample = sample(3, 11);
    let mut rng = sample.rng();
    let a = sample.spd(&mut rng);
    let x = sample.tangent(&a, 0.4, &mut rng);
    let bkm = MixedPowerEuclidean::bogoliubov_kubo_mori();
    for kernel in [&bkm as &dyn Kernel, &BuresWasserstein, &SquaredArithmetic] {
        for trace in [TraceTerm::default(), trace] {
            let engine = ExtendedKernel::new(kernel, trace);
            // The velocity at the end is the transported one; p = G(velocity).
            let (end, velocity) = engine.transport_along(&a, &x, &x).unwrap();
            let (start, stop) = (
                engine.inner(&a, &x, &x).unwrap(),
                engine.inner(&end, &velocity, &velocity).unwrap(),
            );
            assert!((start / stop - 1.0).abs() < 1e-10, "{kernel:?}");
            let momentum = |at: &Spd, p: DMatrix<f64>| at.matrix() * &p - &p * at.matrix();
            let before = momentum(&a, engine.flat(&a, &x).unwrap());
            let after = momentum(&end, engine.flat(&end, &velocity).unwrap());
            assert!((&before - after).norm() < 1e-10 * (1.0 + before.norm()), "{kernel:?}");
        }
    }
}

#[test]
fn the_trace_term_changes_geodesics_of_bures_wasserstein_but_not_of_affine_invariant() {
    let trace = TraceTerm::try_new(2.0, 0.5).unwrap();
    let sample = sample(3, 5);
    let mut rng = sample.rng();
    let a = sample.spd(&mut rng);
    let x = sample.tangent(&a, 0.5, &mut rng);
    let gap = |kernel: &dyn Kernel| {
        let with = ExtendedKernel::new(kernel, trace).exp(&a, &x).unwrap();
        let without = ExtendedKernel::new(kernel, TraceTerm::default()).exp(&a, &x).unwrap();
        (with.matrix() - without.matrix()).norm()
    };
    assert!(gap(&AffineInvariant::default()) < 1e-11);
    assert!(gap(&LogEuclidean::default()) < 1e-11);
    assert!(gap(&BuresWasserstein) > 1e-7);
}

#[test]
fn law_32_33_connection_and_curvature_by_differences() {
    // Koszul's formula for constant fields: 2 g(Γ(X, Y), Z) = Dg(Y, Z)[X] + Dg(X, Z)[Y] − Dg(X, Y)[Z].
    let sample = sample(3, 2);
    let mut rng = sample.rng();
    let a = sample.spd(&mut rng);
    let [x, y, z] = [0; 3].map(|_| sample.tangent(&a, 1.0, &mut rng));
    let h = 1e-5;
    let trace = TraceTerm::try_new(1.5, 0.25).unwrap();
    let bkm = MixedPowerEuclidean::bogoliubov_kubo_mori();
    for kernel in [
        &bkm as &dyn Kernel,
        &BuresWasserstein,
        &SquaredArithmetic,
        &LogEuclidean::default(),
    ] {
        let engine = ExtendedKernel::new(kernel, trace);
        let derivative = |u: &DMatrix<f64>, v: &DMatrix<f64>, along: &DMatrix<f64>| {
            let at = |s: f64| Spd::try_new(a.matrix() + along * s).unwrap();
            (engine.inner(&at(h), u, v).unwrap() - engine.inner(&at(-h), u, v).unwrap()) / (2.0 * h)
        };
        let koszul = derivative(&y, &z, &x) + derivative(&x, &z, &y) - derivative(&x, &y, &z);
        let gamma = engine.christoffel(&a, &x, &y).unwrap();
        let found = 2.0 * engine.inner(&a, &gamma, &z).unwrap();
        // Central differences: h² times third derivatives, rounding ε/h.
        assert!(
            (koszul - found).abs() < 1e-6 * (1.0 + found.abs()),
            "{kernel:?} {koszul} {found}"
        );
    }
}

#[test]
fn flat_metrics_have_no_curvature_and_diagonal_ones_neither() {
    let sample = sample(3, 9);
    let mut rng = sample.rng();
    let a = sample.spd(&mut rng);
    let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
    let root = PowerEuclidean::try_new(0.5).unwrap();
    for kernel in [&Euclidean::default() as &dyn Kernel, &LogEuclidean::default(), &root] {
        let k = ExtendedKernel::new(kernel, TraceTerm::default())
            .sectional(&a, &x, &y)
            .unwrap()
            .unwrap();
        assert!(k.abs() < 1e-8, "{kernel:?} {k}");
    }
    let d = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 4.0]).unwrap();
    let (x, y) = (dmatrix![1.0, 0.0; 0.0, 0.5], dmatrix![0.3, 0.0; 0.0, -1.0]);
    for metric in closed_metrics().iter().chain(&integrated_metrics()) {
        let k = engine(&**metric).sectional(&d, &x, &y).unwrap().unwrap();
        assert!(k.abs() < 1e-8, "{} {k}", metric.name());
        assert_eq!(metric.sectional(&d, &x, &(&x * 3.0)).unwrap(), None);
    }
}

#[test]
fn law_28_commuting_points_have_closed_distances_and_exponentials() {
    let (a, b) = (
        Spd::try_new(dmatrix![2.0, 0.0; 0.0, 0.5]).unwrap(),
        Spd::try_new(dmatrix![3.0, 0.0; 0.0, 4.0]).unwrap(),
    );
    for metric in integrated_metrics() {
        let kernel = engine(&*metric).kernel();
        let r = 1.0 - 0.5 * kernel.degree().expect("homogeneous");
        let scale = kernel.phi(1.0, 1.0).sqrt();
        let u = |x: f64| if r == 0.0 { x.ln() } else { x.powf(r) / r } / scale;
        let gap = a.matrix().diagonal().map(u) - b.matrix().diagonal().map(u);
        let d = metric.distance(&a, &b).unwrap();
        assert!(
            (d - gap.norm()).abs() < 1e-10 * d,
            "{} {d} {}",
            metric.name(),
            gap.norm()
        );
    }
}

#[test]
fn integrated_exponentials_find_their_exit() {
    // Bures-Wasserstein by the engine against its closed form.
    let sample = sample(3, 21);
    let mut rng = sample.rng();
    let a = sample.spd(&mut rng);
    let x = sample.tangent(&a, 1.0, &mut rng);
    let (lower, upper) = BuresWasserstein.exp_domain(&a, &x).unwrap();
    let (found_lower, found_upper) = engine(&BuresWasserstein).exp_domain(&a, &x).unwrap();
    for (found, exact) in [(found_lower, lower), (found_upper, upper)] {
        if exact.is_finite() {
            assert!((found / exact - 1.0).abs() < 1e-3, "{found} {exact}");
        } else {
            assert_eq!(found, exact);
        }
    }
    let end = [lower, upper]
        .into_iter()
        .filter(|t| t.is_finite())
        .fold(f64::INFINITY, |m, t| if t.abs() < m.abs() { t } else { m });
    let left = engine(&BuresWasserstein).exp(&a, &(&x * (1.5 * end)));
    assert!(matches!(left, Err(Error::LeftDomain { .. })), "{left:?}");
}

#[test]
fn classes_of_the_kernels() {
    let class = |kernel: &dyn Kernel| check_kernel(kernel, &POINTS).unwrap();
    for (kernel, scale, degree) in [
        (&Euclidean::default() as &dyn Kernel, 1.0, 0.0),
        (&LogEuclidean::default(), 1.0, 2.0),
        (&AffineInvariant::default(), 1.0, 2.0),
        (&BuresWasserstein, 4.0, 1.0),
        (&MixedPowerEuclidean::bogoliubov_kubo_mori(), 1.0, 1.0),
        (&PowerAffine::polar(), 1.0, 2.0),
        (&SquaredArithmetic, 1.0, 2.0),
    ] {
        let report = class(kernel);
        let KernelClass::MeanKernel { scale: s, degree: d } = report.class else {
            panic!("{kernel:?} {report:?}")
        };
        assert!(
            (s - scale).abs() < 1e-12 && (d - degree).abs() < 1e-11,
            "{kernel:?} {report:?}"
        );
        assert!(
            report.difference_error < 1e-9 && report.diagonal_jump < 1e-11,
            "{kernel:?} {report:?}"
        );
    }
    #[derive(Debug)]
    struct Lopsided;
    impl Kernel for Lopsided {
        fn phi(&self, x: f64, y: f64) -> f64 {
            x * x + x * y
        }
    }
    assert_eq!(class(&Lopsided).class, KernelClass::None);
    #[derive(Debug)]
    struct Negative;
    impl Kernel for Negative {
        fn phi(&self, x: f64, y: f64) -> f64 {
            x + y - 1.0
        }
    }
    assert_eq!(class(&Negative).class, KernelClass::None);
    // The comparison theorem's order: harmonic ≤ geometric ≤ logarithmic ≤ arithmetic at θ = 2.
    let chain: [&dyn Kernel; 4] = [
        &PowerAffine::polar(),
        &AffineInvariant::default(),
        &LogEuclidean::default(),
        &SquaredArithmetic,
    ];
    for pair in chain.windows(2) {
        assert_eq!(
            compare_kernels(pair[0], pair[1], &POINTS).unwrap(),
            Some(Ordering::Less)
        );
        assert_eq!(
            compare_kernels(pair[1], pair[0], &POINTS).unwrap(),
            Some(Ordering::Greater)
        );
    }
    assert_eq!(
        compare_kernels(&Euclidean::default(), &BuresWasserstein, &POINTS).unwrap(),
        None
    );
    let pull_back = KernelMetric::new(MixedPowerEuclidean::try_new(2.0, -2.0).unwrap());
    assert_eq!(
        compare_kernels(pull_back.kernel(), &PowerAffine::polar(), &POINTS).unwrap(),
        Some(Ordering::Equal)
    );
}
