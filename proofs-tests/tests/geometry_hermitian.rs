//! Laws of Hermitian positive definite matrices by their real forms [X −Y; Y X].
//!
//! | law | here |
//! |---|---|
//! | every eigenvalue comes twice | `eigenvalues_come_twice` |
//! | geodesics, maps, transport and means of real forms are real forms, under every invariant metric | `real_forms_stay` |
//! | distances are √2 times those of complex formulas | `distances_by_complex_formulas` |
//! | distances do not change under unitary congruences | `unitary_congruences_are_isometries` |

use hadamard_geometry::hermitian::{complex_form, real_form};
use hadamard_geometry::mean::MeanOptions;
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{AffineInvariant, BuresWasserstein, LogEuclidean};
use hadamard_geometry::{Metric, Spd};
use nalgebra::{Complex, DMatrix, DVector, SymmetricEigen};
use proofs_tests::spd::{Sample, batch, closed_metrics, condition_power, gaussian, reach, samples};
use proptest::prelude::*;
use rand_pcg::Pcg64;

type Complexes = DMatrix<Complex<f64>>;

fn complex_gaussian(n: usize, rng: &mut Pcg64) -> Complexes {
    gaussian(n, n, rng).zip_map(&gaussian(n, n, rng), Complex::new)
}

/// A random unitary matrix.
fn unitary(n: usize, rng: &mut Pcg64) -> Complexes {
    complex_gaussian(n, rng).qr().q()
}

/// UAU* with its rounding taken off the Hermitian form.
fn moved(u: &Complexes, a: &Complexes) -> Complexes {
    let m = u * a * u.adjoint();
    (&m + m.adjoint()) * Complex::from(0.5)
}

/// A Hermitian matrix with the spectrum of a sample.
fn hermitian(sample: &Sample, rng: &mut Pcg64) -> Complexes {
    let point = sample.spd(rng);
    moved(&unitary(sample.order, rng), &point.matrix().map(Complex::from))
}

fn point(a: &Complexes) -> Spd {
    Spd::try_new(real_form(a)).expect("positive definite")
}

/// f of a Hermitian matrix by its own eigendecomposition.
fn function(a: &Complexes, f: impl Fn(f64) -> f64) -> Complexes {
    let eigen = SymmetricEigen::new(a.clone());
    let values = eigen.eigenvalues.map(|d| Complex::from(f(d)));
    &eigen.eigenvectors * DMatrix::from_diagonal(&values) * eigen.eigenvectors.adjoint()
}

fn sorted(values: &DVector<f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// How far a matrix is from the real forms.
fn outside(m: &DMatrix<f64>) -> f64 {
    (m - real_form(&complex_form(m).expect("an even order"))).norm()
}

proptest! {
    #[test]
    fn eigenvalues_come_twice(sample in samples(6, 1e6)) {
        let a = hermitian(&sample, &mut sample.rng());
        let found = point(&a).eigenvalues().clone();
        let expected = sorted(&SymmetricEigen::new(a).eigenvalues);
        let most = expected[sample.order - 1];
        for (k, d) in found.iter().enumerate() {
            prop_assert!((d - expected[k / 2]).abs() <= sample.slack(0) * most, "{d:e} {:e}", expected[k / 2]);
        }
    }

    #[test]
    fn real_forms_stay(sample in samples(4, 1e3), t in 0.1f64..0.9) {
        let mut rng = sample.rng();
        let [a, b, c] = [(); 3].map(|()| point(&hermitian(&sample, &mut rng)));
        for metric in closed_metrics() {
            let slack = sample.slack(condition_power(&*metric));
            let check = |what: &str, m: &DMatrix<f64>| {
                // A logarithm between close points is small, and rounds as they do.
                let bound = slack * (m.norm() + a.matrix().norm());
                prop_assert!(outside(m) <= bound, "{} {what}: {:e} > {bound:e}", metric.name(), outside(m));
                Ok(())
            };
            check("geodesic", metric.geodesic(&a, &b, t).unwrap().matrix())?;
            let log = metric.log(&a, &b).unwrap();
            check("log", &log)?;
            check("exp", metric.exp(&a, &(log * t)).unwrap().matrix())?;
            check("transport", &metric.transport(&a, &b, c.matrix()).unwrap())?;
            let mean = metric.mean(&batch(&[a.clone(), b.clone(), c.clone()]), None, &MeanOptions::default());
            check("mean", mean.unwrap().mean.matrix())?;
        }
    }

    #[test]
    fn distances_by_complex_formulas(sample in samples(6, 1e4)) {
        let mut rng = sample.rng();
        let (a, b) = (hermitian(&sample, &mut rng), hermitian(&sample, &mut rng));
        let (p, q) = (point(&a), point(&b));
        let check = |metric: &dyn Metric, expected: f64| {
            let found = metric.distance(&p, &q).unwrap();
            // The matrices are multiplied by roots and inverse roots that round as ε κ.
            let bound = sample.slack(1) * reach(metric, &p, &q);
            prop_assert!((found - 2f64.sqrt() * expected).abs() <= bound, "{}: {found:e} {expected:e}", metric.name());
            Ok(())
        };
        let inverse_root = function(&a, |d| d.sqrt().recip());
        let ratio = moved(&inverse_root, &b);
        let mu = SymmetricEigen::new(ratio).eigenvalues.map(f64::ln);
        check(&AffineInvariant::default(), mu.norm())?;
        // Traces of real forms are twice those of the matrices.
        let traced = AffineInvariant::new(TraceTerm::try_new(1.0, 0.25).unwrap());
        check(&traced, (mu.norm_squared() + 0.5 * mu.sum().powi(2)).sqrt())?;
        let logs = function(&a, f64::ln) - function(&b, f64::ln);
        check(&LogEuclidean::default(), logs.norm())?;
        let root = function(&a, f64::sqrt);
        let fidelity: f64 = SymmetricEigen::new(moved(&root, &b)).eigenvalues.iter().map(|d| d.max(0.0).sqrt()).sum();
        // A difference of traces tells the square of a distance to their rounding, and roots of eigenvalues round as ε κ.
        let total = a.trace().re + b.trace().re;
        let found = BuresWasserstein.distance(&p, &q).unwrap().powi(2);
        let expected = 2.0 * (total - 2.0 * fidelity);
        prop_assert!((found - expected).abs() <= sample.slack(1) * total, "{found:e} {expected:e} beside {total:e}");
    }

    #[test]
    fn unitary_congruences_are_isometries(sample in samples(4, 1e4)) {
        let mut rng = sample.rng();
        let (a, b) = (hermitian(&sample, &mut rng), hermitian(&sample, &mut rng));
        let u = unitary(sample.order, &mut rng);
        for metric in closed_metrics() {
            let before = metric.distance(&point(&a), &point(&b)).unwrap();
            let after = metric.distance(&point(&moved(&u, &a)), &point(&moved(&u, &b))).unwrap();
            let bound = sample.slack(condition_power(&*metric)) * reach(&*metric, &point(&a), &point(&b));
            prop_assert!((before - after).abs() <= bound, "{}: {before:e} {after:e}", metric.name());
        }
    }
}
