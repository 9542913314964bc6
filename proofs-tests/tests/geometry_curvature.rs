//! Laws of curvature.
//!
//! | law | here |
//! |---|---|
//! | 34 range for affine-invariant, 0 for commuting vectors, another basis of the plane; tensor and Ricci | `law_34_affine_invariant` |
//! | 35 range for Bures-Wasserstein | `law_35_bures_wasserstein` |
//! | 36 flat metrics, 37 the general formula | `law_36_37_general_formula` |
//! | 38 the trace term does not matter to the connection | `law_38_trace_term` |
//! | 57 matrices of determinant 1 are totally geodesic | `law_57_determinant_one` |

use hadamard_geometry::kernel::ExtendedKernel;
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{AffineInvariant, BuresWasserstein, Euclidean, LogEuclidean, PowerEuclidean};
use hadamard_geometry::{Metric, Spd};
use nalgebra::DMatrix;
use proofs_tests::spd::{closed_metrics, condition_power, gap, samples, symmetric};
use proptest::prelude::*;

/// An orthonormal basis of Sym(n) seen from the identity, at `at`.
fn orthonormal_basis(at: &Spd) -> Vec<DMatrix<f64>> {
    let n = at.order();
    let mut basis = Vec::new();
    for j in 0..n {
        for i in 0..=j {
            let mut e = DMatrix::zeros(n, n);
            let entry = if i == j { 1.0 } else { std::f64::consts::FRAC_1_SQRT_2 };
            e[(i, j)] = entry;
            e[(j, i)] = entry;
            let x = at.cholesky() * e * at.cholesky().transpose();
            basis.push((&x + x.transpose()) * 0.5);
        }
    }
    basis
}

proptest! {
    #[test]
    fn law_34_affine_invariant(sample in samples(4, 1e3)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let alpha = 0.5 + (sample.seed % 7) as f64;
        let metric = AffineInvariant::new(TraceTerm::try_new(alpha, 0.25).unwrap());
        let Some(k) = metric.sectional(&a, &x, &y).unwrap() else { return Ok(()) };
        prop_assert!(k <= 0.0 && k >= -(1.0 + 1e-8) / (2.0 * alpha));
        let turned = metric.sectional(&a, &(&x + &y), &(&x * 2.0 - &y)).unwrap().unwrap();
        prop_assert!((turned - k).abs() <= 1e-8 + sample.slack(1), "{turned} {k}");
        // X and XΣ⁻¹X commute with each other, seen from Σ.
        let inverse = a.eigen().map(f64::recip);
        let square = &x * inverse * &x;
        let square = (&square + square.transpose()) * 0.5;
        if let Some(k) = metric.sectional(&a, &x, &square).unwrap() {
            prop_assert!(k.abs() <= sample.slack(1) + 1e-8, "{k}");
        }
        // The tensor, and its trace.
        let plain = AffineInvariant::default();
        let k = plain.sectional(&a, &x, &y).unwrap().unwrap();
        let inner = |x: &DMatrix<f64>, y: &DMatrix<f64>| plain.inner(&a, x, y).unwrap();
        let area = inner(&x, &x) * inner(&y, &y) - inner(&x, &y).powi(2);
        let tensor = AffineInvariant::curvature(&a, &x, &y, &y).unwrap();
        prop_assert!((inner(&tensor, &x) - k * area).abs() <= sample.slack(1) * inner(&x, &x) * inner(&y, &y));
        let swapped = AffineInvariant::curvature(&a, &y, &x, &y).unwrap();
        prop_assert!((&tensor + swapped).norm() <= sample.slack(1) * tensor.norm().max(a.matrix().norm()));
        let basis = orthonormal_basis(&a);
        let trace: f64 = basis.iter().map(|e| inner(&AffineInvariant::curvature(&a, e, &x, &y).unwrap(), e)).sum();
        let ricci = AffineInvariant::ricci(&a, &x, &y).unwrap();
        let size = sample.order as f64 * (inner(&x, &x) * inner(&y, &y)).sqrt();
        prop_assert!((trace - ricci).abs() <= sample.slack(1) * size, "{trace} {ricci}");
        let scalar: f64 = basis.iter().map(|e| AffineInvariant::ricci(&a, e, e).unwrap()).sum();
        let exact = plain.scalar_curvature(sample.order);
        prop_assert!((scalar - exact).abs() <= sample.slack(1) * (1.0 + exact.abs()), "{scalar} {exact}");
    }

    #[test]
    fn law_35_bures_wasserstein(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        if let Some(k) = BuresWasserstein.sectional(&a, &x, &y).unwrap() {
            let d = a.eigenvalues();
            prop_assert!(k >= 0.0 && k * (d[0] + d[1]) <= 3.0 * (1.0 + 1e-10));
            let turned = BuresWasserstein.sectional(&a, &(&x + &y), &(&x * 2.0 - &y)).unwrap().unwrap();
            let bound = sample.slack(2) * 3.0 / (d[0] + d[1]) + 1e-8 * k;
            prop_assert!((turned - k).abs() <= bound, "{turned} {k}");
        }
    }

    #[test]
    fn law_36_37_general_formula(sample in samples(4, 100.0)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        for metric in closed_metrics() {
            let Some(closed) = metric.sectional(&a, &x, &y).unwrap() else { continue };
            let general = metric.extended_kernel().expect("invariant").sectional(&a, &x, &y).unwrap().expect("not collinear");
            // Curvature has the unit of 1/g; the terms it is the difference of are as large as that of the unit length.
            let unit = metric.norm(&a, a.matrix()).unwrap().powi(-2);
            let bound = 1e-8 * closed.abs() + unit * (sample.slack(condition_power(&*metric) + 1) + 1e-8);
            prop_assert!((general - closed).abs() <= bound * sample.condition, "{} {general} {closed}", metric.name());
        }
        let flat: [Box<dyn Metric>; 3] =
            [Box::new(Euclidean::default()), Box::new(LogEuclidean::default()), Box::new(PowerEuclidean::try_new(0.5).unwrap())];
        for metric in flat {
            prop_assert!(metric.sectional(&a, &x, &y).unwrap().is_none_or(|k| k.abs() <= 1e-8), "{}", metric.name());
        }
    }

    #[test]
    fn law_38_trace_term(sample in samples(4, 1e3)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let affine = AffineInvariant::default();
        let trace = TraceTerm::try_new(2.0, 0.75).unwrap();
        let closed = affine.christoffel(&a, &x, &y).unwrap();
        let with = ExtendedKernel::new(&affine, trace).christoffel(&a, &x, &y).unwrap();
        prop_assert!(gap(&with, &closed) <= sample.slack(1) * sample.condition.sqrt(), "{:e}", gap(&with, &closed));
    }

    #[test]
    fn law_57_determinant_one(sample in samples(6, 1e4), t in -1.0..2.0f64) {
        let mut rng = sample.rng();
        let n = sample.order as f64;
        let scaled = |a: Spd| Spd::try_new(a.matrix() * (-a.log_det() / n).exp()).unwrap();
        // Twice: a large log-determinant is known to eps times its size.
        let normalised = |a: Spd| scaled(scaled(a));
        let (a, b) = (normalised(sample.spd(&mut rng)), normalised(sample.spd(&mut rng)));
        let metric = AffineInvariant::default();
        let size = 1.0 + metric.distance(&a, &b).unwrap();
        let slack = sample.slack(1) * size;
        let log = metric.log(&a, &b).unwrap();
        // Tangent to the slice: tr(Σ⁻¹X) = 0; geodesics stay, transport keeps the slice tangent, Γ is normal to nothing.
        let trace = |at: &Spd, x: &DMatrix<f64>| at.eigen().map(f64::recip).dot(x);
        prop_assert!(trace(&a, &log).abs() <= slack);
        let point = metric.geodesic(&a, &b, t).unwrap();
        prop_assert!(point.log_det().abs() <= slack * 2.0, "{}", point.log_det());
        // At order 1 no vector is tangent but rounding.
        if sample.order == 1 {
            return Ok(());
        }
        let x = symmetric(sample.order, &mut rng);
        let tangent = &x - a.matrix() * (trace(&a, &x) / n);
        let moved = metric.transport(&a, &b, &tangent).unwrap();
        let length = metric.norm(&a, &tangent).unwrap();
        prop_assert!(trace(&b, &moved).abs() <= sample.slack(2) * length, "{:e}", trace(&b, &moved) / length);
        // The end of the geodesic with a tangent velocity.
        let step = &tangent * (0.5 / length.max(f64::MIN_POSITIVE));
        prop_assert!(metric.exp(&a, &step).unwrap().log_det().abs() <= slack);
    }
}
