//! Golden values of the oscillation wing: eigenvalues to 50 digits, exact relative counts, huge chains.

use hadamard_oscillation::exact::{BigRational, ExactJacobi, ExactWronskian, Interval};
use hadamard_oscillation::{Jacobi, Refinement};
use proofs_tests::oscillation::{GoldenMatrix, decimal, golden, rational};

fn matrix(m: &GoldenMatrix) -> Jacobi {
    Jacobi::new(&m.diag[..], &m.off[..]).unwrap()
}

fn eigenvalues(m: &GoldenMatrix) -> Vec<(f64, BigRational)> {
    let all = matrix(m).eigenvalues(..).unwrap();
    let indices = m.indices.clone().unwrap_or_else(|| (0..all.len()).collect());
    assert_eq!(indices.len(), m.eigenvalues.len(), "{}", m.name);
    indices
        .iter()
        .zip(&m.eigenvalues)
        .map(|(&k, text)| (all[k], decimal(text)))
        .collect()
}

#[test]
fn eigenvalues_lie_within_the_error_bound_of_a_count() {
    for m in &golden().matrices {
        // 2.5 u R for the count, one float because the eigenvalue lies between λ and its successor.
        let radius = 1.25 * f64::EPSILON * matrix(m).coupling_radius();
        for (value, reference) in eigenvalues(m) {
            let slack = rational(radius) + rational(value.next_up()) - rational(value);
            let error = rational(value) - &reference;
            assert!(
                error <= slack && -error <= slack,
                "{}: {value:e} against {reference}",
                m.name
            );
        }
    }
}

#[test]
fn scaled_and_graded_matrices_are_right_to_two_ulp() {
    let hard = ["random16_x2^1000", "random16_x2^-1000", "zero_diag_graded"];
    let golden = golden();
    let found: Vec<_> = golden
        .matrices
        .iter()
        .filter(|m| hard.contains(&m.name.as_str()))
        .collect();
    assert_eq!(found.len(), hard.len());
    for m in found {
        for (value, reference) in eigenvalues(m) {
            let ulp = rational(value.abs().next_up()) - rational(value.abs());
            let error = rational(value) - reference;
            let bound = &ulp + &ulp;
            assert!(error <= bound && -error <= bound, "{}: {value:e}", m.name);
        }
    }
}

#[test]
fn sections_and_laguerre_find_the_same_floats() {
    for m in &golden().matrices {
        let j = matrix(m);
        let all = j.eigenvalues_by(.., Refinement::Section).unwrap();
        assert_eq!(all, j.eigenvalues_by(.., Refinement::Laguerre).unwrap(), "{}", m.name);
        for (k, &value) in all.iter().enumerate() {
            assert_eq!(j.eigenvalue(k).unwrap(), value, "{} eigenvalue {k}", m.name);
        }
    }
}

#[test]
fn relative_cases_are_reproduced_exactly() {
    let numbers = |v: &[String]| v.iter().map(|s| s.parse().unwrap()).collect::<Vec<BigRational>>();
    for r in &golden().relative {
        let j0 = ExactJacobi::new(numbers(&r.b0), numbers(&r.a0)).unwrap();
        let j1 = ExactJacobi::new(numbers(&r.b1), numbers(&r.a1)).unwrap();
        let (z0, z1) = (r.z0.parse().unwrap(), r.z1.parse().unwrap());
        let (c0, c1) = (j0.count(&z0), j1.count(&z1));
        assert_eq!(
            (c0.below, c0.at_most, c1.below, c1.at_most),
            (r.lt0, r.le0, r.lt1, r.le1),
            "{}",
            r.class
        );

        let right_left = ExactWronskian::right_left(&j0, &z0, &j1, &z1).unwrap();
        assert_eq!(right_left.values, numbers(&r.w_right_left));
        assert_eq!(right_left.steps, r.steps_right_left);
        let left_right = ExactWronskian::left_right(&j0, &z0, &j1, &z1).unwrap();
        assert_eq!(left_right.values, numbers(&r.w_left_right));
        assert_eq!(left_right.steps, r.steps_left_right);
        for w in [&right_left, &left_right] {
            assert_eq!(w.total(Interval::Open), r.open);
            assert_eq!(w.total(Interval::Closed), r.closed);
        }
        assert_eq!(right_left.total(Interval::ClosedOpen), r.below);
        assert_eq!(left_right.total(Interval::OpenClosed), r.below);
        assert_eq!(right_left.total(Interval::OpenClosed), r.at_most);
        assert_eq!(left_right.total(Interval::ClosedOpen), r.at_most);
    }
}

#[test]
fn counts_of_huge_free_chains_are_exact() {
    for chain in golden().huge_free.iter().filter(|c| c.n <= 1_000_000) {
        let j = Jacobi::new(vec![0.0; chain.n], vec![-1.0; chain.n - 1]).unwrap();
        let shifts: Vec<f64> = chain.counts_lt.iter().map(|c| c.x.parse().unwrap()).collect();
        let below = j.counts_below(&shifts).unwrap();
        let at_most = j.counts_at_most(&shifts).unwrap();
        for (i, c) in chain.counts_lt.iter().enumerate() {
            assert_eq!((below[i], at_most[i]), (c.lt, c.le), "n = {}, x = {}", chain.n, c.x);
        }
    }
}
