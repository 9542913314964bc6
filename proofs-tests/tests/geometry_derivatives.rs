//! Matrix functions, their derivatives, divided differences, Lyapunov equations, vectorisation, Hessian, Jacobi fields.
//!
//! | law | here |
//! |---|---|
//! | 46 derivatives of matrix functions, 48 Lyapunov's equation | `law_46_48_derivatives_of_matrix_functions` |
//! | 47 divided differences | `law_47_divided_differences_are_continuous_across_the_diagonal` |
//! | 49 half-vectors | `law_49_vech_is_an_isometry` |
//! | 56 Hessian of half the squared distance | `law_56_hessian_of_half_squared_distance` |

use hadamard_geometry::eigen::symmetric_eigen;
use hadamard_geometry::matrix_functions::{
    ScalarFunction, frechet, frechet_inverse, frechet2, lyapunov, matrix_function,
};
use hadamard_geometry::metrics::AffineInvariant;
use hadamard_geometry::vech::{unvech, vech};
use hadamard_geometry::{Metric, Spd};
use proofs_tests::spd::{C, samples, symmetric};
use proptest::prelude::*;

const FUNCTIONS: [ScalarFunction; 6] = [
    ScalarFunction::Log,
    ScalarFunction::Pow(0.5),
    ScalarFunction::Pow(-0.5),
    ScalarFunction::Pow(-1.0),
    ScalarFunction::Pow(0.3),
    ScalarFunction::Pow(-1.5),
];

/// f''(x).
fn second(f: ScalarFunction, x: f64) -> f64 {
    match f {
        ScalarFunction::Log => -1.0 / (x * x),
        ScalarFunction::Exp => x.exp(),
        ScalarFunction::Pow(p) => p * (p - 1.0) * (x.powf(p) / x / x),
    }
}

proptest! {
    #[test]
    fn law_47_divided_differences_are_continuous_across_the_diagonal(
        exponent in -26.0..6.0f64, gap in -16.0..-1.0f64, sign in any::<bool>()
    ) {
        let x = 10f64.powf(exponent);
        let delta = if sign { 10f64.powf(gap) } else { -10f64.powf(gap) };
        let y = x * (1.0 + delta);
        for f in FUNCTIONS {
            let found = f.divided1(x, y);
            prop_assert_eq!(found.to_bits(), f.divided1(y, x).to_bits());
            // f[x, y] − f'(x) = f''(ξ)(y − x)/2 with ξ between; f'' grows by at most 1.1⁴ up to there.
            let bound = 0.8 * (y - x).abs() * second(f, x.min(y)).abs() + 8.0 * f64::EPSILON * found.abs();
            prop_assert!((found - f.derivative(x)).abs() <= bound, "{f:?} {x} {y}");
            let twice = f.divided2(x, y, x);
            prop_assert!((twice * 2.0 / second(f, x) - 1.0).abs() <= 4.0 * delta.abs() + 1e-13, "{f:?} {x} {y}");
        }
        // exp on arguments of order one.
        let (x, y) = (exponent / 4.0, exponent / 4.0 + delta);
        let bound = 0.8 * delta.abs() * x.max(y).exp() + 8.0 * f64::EPSILON * x.exp();
        prop_assert!((ScalarFunction::Exp.divided1(x, y) - x.exp()).abs() <= bound);
    }

    #[test]
    fn law_46_48_derivatives_of_matrix_functions(sample in samples(6, 1e8)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let eigen = a.eigen();
        let slack = C * sample.rounding() * sample.condition;
        let identity = Spd::identity(sample.order).unwrap().into_matrix();
        // D log at A in the direction A is I; tr(D log X) = tr(A⁻¹ X).
        let d = frechet(ScalarFunction::Log, eigen, a.matrix()).unwrap();
        prop_assert!((d - &identity).norm() <= slack);
        let log_x = frechet(ScalarFunction::Log, eigen, &x).unwrap();
        let inverse = matrix_function(ScalarFunction::Pow(-1.0), eigen);
        prop_assert!((log_x.trace() - inverse.dot(&x)).abs() <= slack * (log_x.norm() + 1.0));
        // D sqrt solves the Lyapunov equation of the root; D of the square is AX + XA.
        let root = matrix_function(ScalarFunction::Pow(0.5), eigen);
        let droot = frechet(ScalarFunction::Pow(0.5), eigen, &x).unwrap();
        prop_assert!((&droot * &root + &root * &droot - &x).norm() <= slack * x.norm());
        let square = frechet(ScalarFunction::Pow(2.0), eigen, &x).unwrap();
        prop_assert!((square - (a.matrix() * &x + &x * a.matrix())).norm() <= slack * x.norm() * a.matrix().norm());
        let l = lyapunov(&a, &x).unwrap();
        prop_assert!((a.matrix() * &l + &l * a.matrix() - &x).norm() <= slack * x.norm());
        for f in FUNCTIONS {
            let dx = frechet(f, eigen, &x).unwrap();
            // Self-adjoint; inverted by its inverse; second derivative symmetric.
            let dy = frechet(f, eigen, &y).unwrap();
            prop_assert!((dx.dot(&y) - x.dot(&dy)).abs() <= slack * (dx.norm() * y.norm() + x.norm() * dy.norm()));
            prop_assert!((frechet_inverse(f, eigen, &dx).unwrap() - &x).norm() <= slack * sample.condition.sqrt() * x.norm(), "{f:?}");
            let (xy, yx) = (frechet2(f, eigen, &x, &y).unwrap(), frechet2(f, eigen, &y, &x).unwrap());
            prop_assert!((&xy - &yx).norm() <= slack * xy.norm());
        }
    }

    #[test]
    fn second_derivatives_are_derivatives(sample in samples(4, 10.0)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let h = 1e-4;
        let at = |s: f64| symmetric_eigen(&(a.matrix() + &y * s));
        for f in FUNCTIONS {
            let difference = (frechet(f, &at(h), &x).unwrap() - frechet(f, &at(-h), &x).unwrap()) / (2.0 * h);
            let exact = frechet2(f, a.eigen(), &x, &y).unwrap();
            // h² times fourth derivatives at condition 10, rounding ε/h.
            let scale = exact.norm() + frechet(f, a.eigen(), &x).unwrap().norm();
            prop_assert!((&difference - &exact).norm() <= 1e-5 * scale, "{f:?}");
        }
    }

    #[test]
    fn law_49_vech_is_an_isometry(n in 1..9usize, seed in any::<u64>()) {
        let mut rng = <rand_pcg::Pcg64 as rand::SeedableRng>::seed_from_u64(seed);
        let x = symmetric(n, &mut rng);
        let v = vech(&x);
        prop_assert!((v.norm() - x.norm()).abs() <= 8.0 * n as f64 * f64::EPSILON * x.norm());
        prop_assert!((unvech(&v).unwrap() - &x).norm() <= 2.0 * f64::EPSILON * x.norm());
    }

    #[test]
    fn law_56_hessian_of_half_squared_distance(sample in samples(4, 100.0)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let (v, w) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let metric = AffineInvariant::default();
        let hv = AffineInvariant::hessian_half_squared_distance(&a, &b, &v).unwrap();
        let hw = AffineInvariant::hessian_half_squared_distance(&a, &b, &w).unwrap();
        let slack = C * sample.rounding() * sample.condition;
        let inner = |x: &_, y: &_| metric.inner(&a, x, y).unwrap();
        let size = metric.norm(&a, &hv).unwrap() * metric.norm(&a, &w).unwrap();
        prop_assert!((inner(&hv, &w) - inner(&v, &hw)).abs() <= slack * size);
        // 1-strong convexity.
        prop_assert!(inner(&hv, &v) >= inner(&v, &v) * (1.0 - slack));
        // Second difference along the geodesic with velocity v.
        let h = 1e-3;
        let f = |s: f64| 0.5 * metric.distance(&metric.exp(&a, &(&v * s)).unwrap(), &b).unwrap().powi(2);
        let difference = (f(h) - 2.0 * f(0.0) + f(-h)) / (h * h);
        let exact = inner(&hv, &v);
        prop_assert!((difference - exact).abs() <= 1e-4 * (1.0 + exact) + 1e-9 * f(0.0) / (h * h) * slack, "{difference} {exact}");
    }

    #[test]
    fn jacobi_fields_are_derivatives_of_the_exponential(sample in samples(4, 100.0)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let (x, b) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let metric = AffineInvariant::default();
        let zero = &x * 0.0;
        let field = AffineInvariant::jacobi_field(&a, &x, &zero, &b).unwrap();
        let h = 1e-4;
        let end = |s: f64| metric.exp(&a, &(&x + &b * s)).unwrap().into_matrix();
        let difference = (end(h) - end(-h)) / (2.0 * h);
        let to = metric.exp(&a, &x).unwrap();
        let gap = metric.norm(&to, &(difference - &field)).unwrap();
        prop_assert!(gap <= 1e-6 * (1.0 + metric.norm(&to, &field).unwrap()), "{gap:e}");
    }
}
