//! Differences, colours, dual numbers and weights.

use std::cell::Cell;

use hadamard_trust_region::adaptors::*;
use hadamard_trust_region::problems;
use hadamard_trust_region::{Bounds, Error, Solver, Structure, System};
use num_dual::DualNum;
use proptest::prelude::*;

fn entries(system: &impl System, bounds: &Bounds, x: &[f64]) -> Vec<f64> {
    let count = match system.structure() {
        Structure::Sparse(pattern) => pattern.entries(),
        _ => system.equations() * system.variables(),
    };
    let (mut f, mut entries) = (vec![0.0; system.equations()], vec![0.0; count]);
    system.residual(x, &mut f).unwrap();
    system.jacobian(x, &f, bounds, &mut entries).unwrap();
    entries
}

#[test]
fn colours_of_the_tables() {
    for (name, least, most) in [
        ("tridiag_n100", 3, 3),
        ("five_diag_n100", 5, 5),
        ("seven_diag_n100", 7, 7),
        ("broyden_band_n100", 7, 7),
        ("bratu_n100", 5, 7),
    ] {
        let problem = problems::named(name).unwrap();
        let Structure::Sparse(pattern) = problem.structure() else {
            panic!("sparse")
        };
        let groups = colouring(pattern);
        assert!((least..=most).contains(&groups.len()), "{name}: {}", groups.len());
        let mut all: Vec<usize> = groups.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..pattern.columns()));
        for group in &groups {
            let mut rows: Vec<usize> = group.iter().flat_map(|&j| pattern.column(j).iter().copied()).collect();
            let count = rows.len();
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), count, "{name}: two columns of a group share a row");
        }
        let found = detect_pattern(&problem, problem.bounds(), 1).unwrap();
        assert_eq!(&found, pattern, "{name}");
    }
}

/// The same steps, so the same quotients: coloured differences are the dense ones bit for bit.
#[test]
fn coloured_differences_are_dense_ones() {
    for name in ["tridiag_n100", "broyden_band_n100", "trigexp_n100"] {
        let problem = problems::named(name).unwrap();
        let Structure::Sparse(pattern) = problem.structure() else {
            panic!("sparse")
        };
        let f = |x: &[f64], f: &mut [f64]| problem.residual(x, f).unwrap();
        let x = problem.starts().swap_remove(1).1;
        for scheme in [Scheme::Forward, Scheme::Central] {
            let coloured = entries(
                &Differences::sparse(pattern.clone(), f).with_scheme(scheme),
                problem.bounds(),
                &x,
            );
            let dense = entries(&Differences::new(100, f).with_scheme(scheme), problem.bounds(), &x);
            for j in 0..100 {
                for at in pattern.column_starts()[j]..pattern.column_starts()[j + 1] {
                    assert_eq!(coloured[at], dense[j * 100 + pattern.row_indices()[at]], "{name}");
                }
            }
        }
    }
}

proptest! {
    /// At any point of any box, bounds included, F is asked for inside only, and the quotients are right to the scheme's
    /// order.
    #[test]
    fn differences_stay_in_the_box(low in -3.0f64..3.0, exponent in -9.0f64..1.0, place in 0.0f64..=1.0, edge in 0usize..3) {
        let (l, u) = (low, low + 10f64.powf(exponent));
        let x = [l, u, (l + place * (u - l)).clamp(l, u)][edge];
        let bounds = Bounds::new(vec![l], vec![u]).unwrap();
        let outside = Cell::new(false);
        let f = |x: &[f64], f: &mut [f64]| {
            outside.set(outside.get() || x[0] < l || x[0] > u);
            f[0] = (0.5 * x[0]).exp();
        };
        let exact = 0.5 * (0.5 * x).exp();
        for (scheme, h, order) in [(Scheme::Forward, f64::EPSILON.sqrt(), 1), (Scheme::Central, f64::EPSILON.cbrt(), 2)] {
            let found = entries(&Differences::new(1, f).with_scheme(scheme), &bounds, &[x])[0];
            // Truncation h^order with |f'''|, |f''| below exact, and the rounding of F over the step that fits.
            let h = h * x.abs().max(1.0);
            let step = h.min(0.5 * (u - l));
            let bound = exact * (h.powi(order) + 16.0 * f64::EPSILON / step);
            prop_assert!((found - exact).abs() <= 2.0 * bound, "{scheme:?} {found} {exact} {bound:e}");
            prop_assert!(!outside.get());
        }
    }
}

struct Rosenbrock;

impl Formula for Rosenbrock {
    fn variables(&self) -> usize {
        2
    }
    fn evaluate<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D], f: &mut [D]) {
        f[0] = (x[1] - x[0] * x[0]) * 10.0;
        f[1] = -x[0] + 1.0;
    }
}

#[test]
fn dual_numbers_are_exact() {
    let bounds = Bounds::new(vec![-2.0; 2], vec![2.0; 2]).unwrap();
    let x = [-1.2, 1.0];
    assert_eq!(
        entries(&DualNumbers::new(Rosenbrock), &bounds, &x),
        [24.0, -1.0, 10.0, 0.0]
    );
    let root = Solver::default()
        .solve(&DualNumbers::new(Rosenbrock), &bounds, &x)
        .unwrap();
    assert!(root.exit.is_root());
}

#[test]
fn wrong_entries_are_found() {
    let bounds = Bounds::new(vec![-2.0; 2], vec![2.0; 2]).unwrap();
    let f = |x: &[f64], f: &mut [f64]| (f[0], f[1]) = (x[0] * x[1], x[0] - x[1]);
    let right = Functions::new(2, f, |x: &[f64], j: &mut [f64]| {
        j.copy_from_slice(&[x[1], 1.0, x[0], -1.0])
    });
    assert!(check_jacobian(&right, &bounds, &[0.5, 1.5]).unwrap().error < 1e-8);
    let wrong = Functions::new(2, f, |x: &[f64], j: &mut [f64]| {
        j.copy_from_slice(&[x[1], 1.0, x[1], -1.0])
    });
    let worst = check_jacobian(&wrong, &bounds, &[0.5, 1.5]).unwrap();
    assert_eq!((worst.row, worst.column), (0, 1));
    assert!(worst.error > 0.5);
    for problem in problems::all() {
        let x = problem.starts().swap_remove(0).1;
        let worst = check_jacobian(&problem, problem.bounds(), &x).unwrap();
        // Third derivatives near bounds and exponentials leave a few digits only.
        assert!(worst.error < 2e-3, "{}: {worst:?}", problem.name());
    }
}

#[test]
fn weights_divide_rows() {
    let problem = problems::named("combustion10").unwrap();
    let weights = vec![1e-5, 1e-5, 1e-5, 1e-5, 1e-12, 1e-12, 1e-16, 1e-11, 1e-12, 1e-18];
    let weighted = Weighted::try_new(&problem, weights.clone()).unwrap();
    let x = problem.starts().swap_remove(0).1;
    let (mut plain, mut divided) = (vec![0.0; 10], vec![0.0; 10]);
    problem.residual(&x, &mut plain).unwrap();
    weighted.residual(&x, &mut divided).unwrap();
    assert!(plain.iter().zip(&divided).zip(&weights).all(|((p, d), w)| *d == p / w));
    let (plain, divided) = (
        entries(&problem, problem.bounds(), &x),
        entries(&weighted, problem.bounds(), &x),
    );
    assert!(
        plain
            .iter()
            .zip(&divided)
            .enumerate()
            .all(|(at, (p, d))| *d == p / weights[at % 10])
    );
    assert!(matches!(
        Weighted::try_new(&problem, vec![1.0]),
        Err(Error::DimensionMismatch { .. })
    ));
    assert!(matches!(
        Weighted::try_new(&problem, vec![0.0; 10]),
        Err(Error::InvalidParameter { .. })
    ));
}
