//! Laws of distances, on repeated and nearly repeated eigenvalues, scales 1e-26 to 1e6 and conditions to 1e8.
//!
//! | law | here |
//! |---|---|
//! | 1 symmetry, 2 d(A, A) = 0 | `law_01_02_symmetry_and_zero` |
//! | 3 triangle, 4 O(n), 27 eigenvalue bound | `law_03_04_27_triangle_rotations_spectra` |
//! | 20 scaling | `law_20_scaling` |
//! | 21 congruence, 22 inversion, 23 units, 24 powers | `law_21_to_24_invariances` |
//! | 25, 26 comparison | `law_25_26_comparison` |
//! | 29 minimum over rotations, 58 d² ≤ tr A + tr B | `law_29_58_bures_wasserstein_as_procrustes` |
//! | bounds without shooting | `bounds_enclose_the_distance` |

use hadamard_geometry::metrics::{
    AffineInvariant, BuresWasserstein, Euclidean, LogEuclidean, MixedPowerEuclidean, PowerAffine, PowerEuclidean,
};
use hadamard_geometry::{Metric, Psd, Spd};
use nalgebra::DMatrix;
use proofs_tests::spd::{
    closed_metrics, condition_power, congruence, distance, gaussian, integrated_metrics, inverse, orthogonal, reach,
    samples, symmetric, triangular_metrics,
};
use proptest::prelude::*;

/// The orthogonal polar factor by Newton's iteration with norm scaling (Higham, Functions of Matrices, section 8.6). That of
/// an SVD by QR iterations misses the best rotation by a thousand ε of d² where singular values are close.
fn rotation(m: DMatrix<f64>) -> DMatrix<f64> {
    let mut x = m;
    for _ in 0..40 {
        let inverse = x
            .clone()
            .try_inverse()
            .expect("factors of SPD matrices are invertible")
            .transpose();
        let scale = (inverse.norm() / x.norm()).sqrt();
        let next = (&x * scale + inverse / scale) * 0.5;
        let change = (&next - &x).norm();
        x = next;
        // The iteration squares its error.
        if change <= 1e-9 {
            break;
        }
    }
    x
}

proptest! {
    #[test]
    fn law_01_02_symmetry_and_zero(sample in samples(6, 1e8)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        for metric in closed_metrics().iter().chain(&triangular_metrics()) {
            // Powers of 2 and −1 square the condition: 1e16 is beyond rounding.
            if condition_power(&**metric) > 1 && sample.condition > 1e6 {
                continue;
            }
            let slack = sample.slack(condition_power(&**metric));
            let gap = (distance(&**metric, &a, &b) - distance(&**metric, &b, &a)).abs();
            prop_assert!(gap <= slack * reach(&**metric, &a, &b), "{} {gap:e}", metric.name());
            let zero = distance(&**metric, &a, &a);
            prop_assert!(zero <= slack * reach(&**metric, &a, &a), "{} {zero:e}", metric.name());
        }
        // No condition number in these.
        let root = a.matrix().trace().sqrt();
        prop_assert!(distance(&BuresWasserstein, &a, &a) <= sample.slack(0) * root);
        let bw = (distance(&BuresWasserstein, &a, &b) - distance(&BuresWasserstein, &b, &a)).abs();
        prop_assert!(bw <= sample.slack(0) * (root + b.matrix().trace().sqrt()), "{bw:e}");
        prop_assert_eq!(distance(&LogEuclidean::default(), &a, &a), 0.0);
        prop_assert_eq!(distance(&Euclidean::default(), &a, &a), 0.0);
    }

    #[test]
    fn law_03_04_27_triangle_rotations_spectra(sample in samples(6, 1e4)) {
        let mut rng = sample.rng();
        let (a, b, c) = (sample.spd(&mut rng), sample.spd(&mut rng), sample.spd(&mut rng));
        let r = orthogonal(sample.order, &mut rng);
        let (ra, rb) = (congruence(&r, &a), congruence(&r, &b));
        for metric in closed_metrics() {
            let slack = sample.slack(condition_power(&*metric));
            let (ab, bc, ac) = (distance(&*metric, &a, &b), distance(&*metric, &b, &c), distance(&*metric, &a, &c));
            let turned = (distance(&*metric, &ra, &rb) - ab).abs();
            prop_assert!(turned <= slack * reach(&*metric, &a, &b), "{} {turned:e}", metric.name());
            prop_assert!(ac <= ab + bc + slack * (reach(&*metric, &a, &b) + reach(&*metric, &b, &c)), "{}", metric.name());
            let (lower, _) = metric.distance_bounds(&a, &b).unwrap();
            prop_assert!(lower <= ab + slack * reach(&*metric, &a, &b), "{} {lower} {ab}", metric.name());
        }
    }

    #[test]
    fn law_20_scaling(sample in samples(6, 1e6), k in -40..40i32) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let factor = 4f64.powi(k);
        let scaled = |m: &Spd| Spd::try_new(m.matrix() * factor).unwrap();
        let (sa, sb) = (scaled(&a), scaled(&b));
        for metric in closed_metrics() {
            let theta = metric.extended_kernel().expect("invariant").kernel().degree().expect("homogeneous");
            let expected = distance(&*metric, &a, &b) * factor.powf(1.0 - 0.5 * theta);
            let slack = sample.slack(condition_power(&*metric));
            let gap = (distance(&*metric, &sa, &sb) - expected).abs();
            prop_assert!(gap <= slack * reach(&*metric, &sa, &sb), "{} {gap:e}", metric.name());
        }
    }

    #[test]
    fn law_21_to_24_invariances(sample in samples(6, 1e4), exponent in -2.0..2.0f64) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let (affine, log) = (AffineInvariant::default(), LogEuclidean::default());
        let d = distance(&affine, &a, &b);
        let size = reach(&affine, &a, &b);
        let g = DMatrix::identity(sample.order, sample.order) + symmetric(sample.order, &mut rng) * (0.3 / sample.order as f64);
        let spread = g.clone().singular_values();
        let condition = spread.max() / spread.min();
        let moved = (distance(&affine, &congruence(&g, &a), &congruence(&g, &b)) - d).abs();
        prop_assert!(moved <= sample.slack(1) * condition * condition * size, "{moved:e}");
        // Inverting loses a condition number.
        let inverted = (distance(&affine, &inverse(&a), &inverse(&b)) - d).abs();
        prop_assert!(inverted <= sample.slack(2) * size, "{inverted:e}");
        let (le, le_size) = (distance(&log, &a, &b), reach(&log, &a, &b));
        let inverted = (distance(&log, &inverse(&a), &inverse(&b)) - le).abs();
        prop_assert!(inverted <= sample.slack(1) * le_size, "{inverted:e}");
        let unit = |m: &Spd| Spd::try_new(m.matrix() * 3.0).unwrap();
        prop_assert!((distance(&affine, &unit(&a), &unit(&b)) - d).abs() <= sample.slack(1) * size);
        // At unit scale, where A^s has the condition of A to the power s.
        let normal = |m: &Spd| Spd::try_new(m.matrix() / sample.scale).unwrap();
        let power = |m: &Spd| Spd::try_new(normal(m).eigen().map(|x| x.powf(exponent))).unwrap();
        let le = distance(&log, &normal(&a), &normal(&b));
        let powers = distance(&log, &power(&a), &power(&b));
        let size = 1.0 + le + normal(&a).log().norm() + normal(&b).log().norm();
        prop_assert!((powers - exponent.abs() * le).abs() <= sample.slack(2) * size, "{powers} {exponent} {le}");
    }

    #[test]
    fn law_25_26_comparison(sample in samples(6, 1e4)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let polar = PowerAffine::polar();
        let chain = [
            distance(&LogEuclidean::default(), &a, &b),
            distance(&PowerAffine::try_new(0.5).unwrap(), &a, &b),
            distance(&AffineInvariant::default(), &a, &b),
            distance(&polar, &a, &b),
        ];
        let floor = [sample.slack(1), sample.slack(1), sample.slack(2)].map(|slack| slack * reach(&polar, &a, &b));
        // The rounding of logarithms at 1e-26 counts in the first.
        let first = sample.slack(1) * reach(&LogEuclidean::default(), &a, &b);
        prop_assert!(chain[0] <= chain[1] + first && chain[1] <= chain[2] + floor[1] && chain[2] <= chain[3] + floor[2], "{chain:?}");
        let bw = distance(&BuresWasserstein, &a, &b);
        let root = distance(&PowerEuclidean::try_new(0.5).unwrap(), &a, &b);
        prop_assert!(2.0 * bw <= root + sample.slack(1) * reach(&BuresWasserstein, &a, &b));
    }

    #[test]
    fn law_29_58_bures_wasserstein_as_procrustes(sample in samples(6, 1e8)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let d = distance(&BuresWasserstein, &a, &b);
        let size = a.matrix().trace().sqrt() + b.matrix().trace().sqrt();
        let slack = sample.slack(0) * size;
        // Near the best rotation as well as far from it.
        for step in [1.0, 1e-2, 1e-4] {
            let r = orthogonal(sample.order, &mut rng);
            let far = (a.cholesky() - b.cholesky() * &r).norm();
            prop_assert!(far >= d - slack, "{far} {d}");
            let best = rotation(b.cholesky().tr_mul(a.cholesky()));
            let skew = gaussian(sample.order, sample.order, &mut rng) * step;
            let nearby = rotation(&best + (&skew - skew.transpose()) * 0.5 * &best);
            let near = (a.cholesky() - b.cholesky() * nearby).norm();
            prop_assert!(near >= d - slack, "{near} {d}");
            let reached = (a.cholesky() - b.cholesky() * best).norm();
            prop_assert!((reached - d).abs() <= slack, "{reached} {d} {size}");
        }
        prop_assert!(d * d <= (a.matrix().trace() + b.matrix().trace()) * (1.0 + sample.slack(0)));
        let log = BuresWasserstein.log(&a, &b).unwrap();
        let length = BuresWasserstein.norm(&a, &log).unwrap();
        prop_assert!((length - d).abs() <= sample.slack(1) * size, "{length} {d}");
        // The same distance by the factors of singular matrices.
        let semi = BuresWasserstein.distance_semidefinite(&Psd::from(&a), &Psd::from(&b)).unwrap();
        prop_assert!((semi - d).abs() <= sample.slack(0) * size, "{semi} {d}");
    }

    #[test]
    fn bounds_enclose_the_distance(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        for metric in closed_metrics() {
            let (lower, upper) = metric.distance_bounds(&a, &b).unwrap();
            let d = distance(&*metric, &a, &b);
            let slack = (sample.slack(condition_power(&*metric)) + 1e-10) * reach(&*metric, &a, &b);
            prop_assert!(lower <= d + slack && d <= upper + slack, "{} {lower} {d} {upper}", metric.name());
            if metric.name().contains("uclidean") {
                prop_assert!((upper - d).abs() <= slack, "{} {d} {upper}", metric.name());
            }
        }
    }
}

#[test]
fn law_26_of_bogoliubov_kubo_mori() {
    for seed in 0..4 {
        let sample = proofs_tests::spd::Sample {
            order: 2 + seed as usize % 2,
            condition: 100.0,
            scale: 2f64.powi(-40 * (seed as i32 % 3)),
            spectrum: proofs_tests::spd::Spectrum::Spread,
            seed,
        };
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let root = distance(&PowerEuclidean::try_new(0.5).unwrap(), &a, &b);
        let bkm = MixedPowerEuclidean::bogoliubov_kubo_mori();
        assert!(root <= distance(&bkm, &a, &b) * (1.0 + 1e-10));
        for metric in integrated_metrics() {
            let d = distance(&*metric, &a, &b);
            let (lower, upper) = metric.distance_bounds(&a, &b).unwrap();
            assert!(
                lower <= d * (1.0 + 1e-10) && d <= upper * (1.0 + 1e-10),
                "{} {lower} {d} {upper}",
                metric.name()
            );
        }
    }
}
