//! Laws of products and duality, and of families of metrics that contain each other.
//!
//! | law | here |
//! |---|---|
//! | 11 products and whitening, 12 duality, 14 Cauchy-Schwarz | `law_11_12_14_products` |
//! | 13 cometric | `law_13_cometric_kernel` |
//! | 17 pull-backs, 18 special cases, 19 limits p → 0 | `law_17_18_19_families` |

use hadamard_geometry::Metric;
use hadamard_geometry::kernel::{ExtendedKernel, Kernel};
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Euclidean, LogEuclidean, MixedPowerEuclidean, PowerAffine,
    PowerEuclidean,
};
use proofs_tests::spd::{
    Sample, closed_metrics, condition_power, distance, integrated_metrics, reach, samples, triangular_metrics,
};
use proptest::prelude::*;

/// 1/φ, the kernel of the cometric.
#[derive(Debug)]
struct Reciprocal<'a>(&'a dyn Kernel);

impl Kernel for Reciprocal<'_> {
    fn phi(&self, x: f64, y: f64) -> f64 {
        self.0.phi(x, y).recip()
    }
}

proptest! {
    #[test]
    fn law_11_12_14_products(sample in samples(6, 1e8)) {
        // Log-Cholesky adds lengths of units √ and of none: its conditioning depends on the units.
        let unit = Sample { scale: 1.0, ..sample.clone() };
        let invariant = closed_metrics().into_iter().chain(integrated_metrics()).map(|metric| (metric, &sample));
        let metrics: Vec<_> = invariant.chain(triangular_metrics().into_iter().map(|metric| (metric, &unit))).collect();
        for (metric, sample) in &metrics {
            let mut rng = sample.rng();
            let a = sample.spd(&mut rng);
            let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
            if condition_power(&**metric) > 1 && sample.condition > 1e6 {
                continue;
            }
            let slack = sample.slack(condition_power(&**metric));
            let inner = |x: &_, y: &_| metric.inner(&a, x, y).unwrap();
            let (nx, ny) = (metric.norm(&a, &x).unwrap(), metric.norm(&a, &y).unwrap());
            let xy = inner(&x, &y);
            prop_assert!((xy - inner(&y, &x)).abs() <= slack * nx * ny, "{}", metric.name());
            let linear = (inner(&(&x * 2.0 - &y), &y) - 2.0 * xy + ny * ny).abs();
            prop_assert!(linear <= slack * ny * (nx + ny), "{} {linear:e}", metric.name());
            prop_assert!(nx > 0.0 && xy.abs() <= nx * ny * (1.0 + slack), "{}", metric.name());
            let white = metric.whiten(&a, &x).unwrap();
            prop_assert!((white.norm() - nx).abs() <= slack * nx, "{}", metric.name());
            let p = metric.flat(&a, &x).unwrap();
            // tr(G(X) Y): the terms of the sum are larger than it by the condition number.
            let paired = (p.dot(&y) - xy).abs();
            prop_assert!(paired <= slack * nx * ny, "{} {:e}", metric.name(), paired / nx / ny);
            let dual = (metric.cometric(&a, &p, &p).unwrap() - nx * nx).abs();
            prop_assert!(dual <= slack * nx * nx, "{} {:e}", metric.name(), dual / nx / nx);
            let back = metric.norm(&a, &(metric.sharp(&a, &p).unwrap() - &x)).unwrap();
            prop_assert!(back <= slack * nx, "{} {:e}", metric.name(), back / nx);
            let back = metric.norm(&a, &(metric.unwhiten(&a, &white).unwrap() - &x)).unwrap();
            prop_assert!(back <= slack * nx, "{} {:e}", metric.name(), back / nx);
        }
    }

    #[test]
    fn law_13_cometric_kernel(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let n = sample.order as f64;
        let (alpha, beta) = (1.5, 0.25);
        let trace = TraceTerm::try_new(alpha, beta).unwrap();
        let dual = TraceTerm::try_new(1.0 / alpha, -beta / (alpha * (alpha + n * beta))).unwrap();
        for metric in closed_metrics() {
            let kernel = metric.extended_kernel().expect("invariant").kernel();
            let primal = ExtendedKernel::new(kernel, trace);
            let reciprocal = Reciprocal(kernel);
            let cometric = ExtendedKernel::new(&reciprocal, dual);
            let x = sample.tangent(&a, 1.0, &mut rng);
            let y = sample.tangent(&a, 1.0, &mut rng);
            let (p, q) = (primal.flat(&a, &x).unwrap(), primal.flat(&a, &y).unwrap());
            let (found, expected) = (cometric.inner(&a, &p, &q).unwrap(), primal.cometric(&a, &p, &q).unwrap());
            let size = (primal.inner(&a, &x, &x).unwrap() * primal.inner(&a, &y, &y).unwrap()).sqrt();
            prop_assert!((found - expected).abs() <= sample.slack(condition_power(&*metric)) * size, "{}", metric.name());
        }
    }

    #[test]
    fn law_17_18_19_families(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let x = sample.tangent(&a, 1.0, &mut rng);
        let mpe = |p: f64, q: f64| -> Box<dyn Metric> { Box::new(MixedPowerEuclidean::try_new(p, q).unwrap()) };
        let pairs: [(Box<dyn Metric>, Box<dyn Metric>); 7] = [
            (mpe(1.0, 1.0), Box::new(Euclidean::default())),
            (mpe(0.0, 0.0), Box::new(LogEuclidean::default())),
            (mpe(1.0, -1.0), Box::new(AffineInvariant::default())),
            (mpe(0.5, 0.5), Box::new(PowerEuclidean::try_new(0.5).unwrap())),
            (mpe(0.7, -0.7), Box::new(PowerAffine::try_new(0.7).unwrap())),
            (mpe(-1.0, -1.0), Box::new(PowerEuclidean::try_new(-1.0).unwrap())),
            (mpe(2.0, -2.0), Box::new(PowerAffine::polar())),
        ];
        for (first, second) in &pairs {
            let slack = sample.slack(condition_power(&**second));
            let (f, s) = (first.norm(&a, &x).unwrap(), second.norm(&a, &x).unwrap());
            prop_assert!((f - s).abs() <= slack * s, "{} {}", first.name(), second.name());
            let kernels = [first, second].map(|m| m.extended_kernel().expect("invariant").kernel());
            for &p in a.eigenvalues().iter() {
                for &q in b.eigenvalues().iter() {
                    let ratio = kernels[0].phi(p, q) / kernels[1].phi(p, q);
                    prop_assert!((ratio - 1.0).abs() <= 50.0 * f64::EPSILON, "{} {ratio}", first.name());
                }
            }
        }
        // The kernel of the pull-back (1/c²) f*g is c² φ(f(x), f(y))/f[x, y]².
        let f = hadamard_geometry::matrix_functions::ScalarFunction::Pow(0.6);
        let deformed = AlphaProcrustes::try_new(0.3).unwrap();
        for &p in a.eigenvalues().iter() {
            for &q in b.eigenvalues().iter() {
                let slope = f.divided1(p, q) / 0.3;
                let expected = BuresWasserstein.phi(p.powf(0.6), q.powf(0.6)) / slope / slope;
                prop_assert!((deformed.phi(p, q) / expected - 1.0).abs() <= 50.0 * f64::EPSILON);
            }
        }
        let procrustes = distance(&AlphaProcrustes::try_new(0.5).unwrap(), &a, &b);
        let bw = distance(&BuresWasserstein, &a, &b);
        prop_assert!((procrustes - 2.0 * bw).abs() <= sample.slack(1) * reach(&BuresWasserstein, &a, &b));
    }
}

/// d^(p) = d_LE + O(p²): halving p divides the gap by four.
#[test]
fn law_19_the_deformed_families_tend_to_log_euclidean() {
    let sample = proofs_tests::spd::Sample {
        order: 4,
        condition: 30.0,
        scale: 1.0,
        spectrum: proofs_tests::spd::Spectrum::Spread,
        seed: 5,
    };
    let mut rng = sample.rng();
    let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
    let le = distance(&LogEuclidean::default(), &a, &b);
    let affine = |p: f64| distance(&PowerAffine::try_new(p).unwrap(), &a, &b) - le;
    let (one, half) = (affine(0.02), affine(0.01));
    assert!((one / half / 4.0 - 1.0).abs() < 0.01, "{one:e} {half:e}");
    // Power-Euclidean and Procrustes are not even in p: first order.
    for p in [1e-2, 1e-3] {
        let euclidean = distance(&PowerEuclidean::try_new(p).unwrap(), &a, &b) - le;
        let procrustes = distance(&AlphaProcrustes::try_new(p).unwrap(), &a, &b) - le;
        let width = a.log().norm() + b.log().norm();
        assert!(euclidean.abs() <= p * width * le && procrustes.abs() <= p * width * le);
    }
}
