//! Theorems of relative oscillation theory on small integer matrices with frequent ties, in exact arithmetic, and the
//! floating-point routines against them.

use hadamard_oscillation::exact::{BigRational, ExactJacobi, ExactWronskian, Interval, node_count};
use hadamard_oscillation::{Jacobi, Wronskian, sign_changes};
use proofs_tests::oscillation::{both, cases, float_matrix, integer, nonzero, small_unreduced};
use proptest::collection::vec;
use proptest::prelude::*;

type Integers = (Vec<i64>, Vec<i64>);

/// `count` unreduced matrices of one order.
fn matrices(count: usize) -> impl Strategy<Value = Vec<Integers>> {
    (1usize..=6).prop_flat_map(move |n| vec((vec(-2i64..=2, n), vec(nonzero(), n - 1)), count))
}

fn exact(m: &Integers) -> ExactJacobi {
    both(&m.0, &m.1).0
}

fn zero(q: &BigRational) -> bool {
    *q == integer(0)
}

fn positive(q: &BigRational) -> bool {
    *q > integer(0)
}

/// A solution that starts with small integers, not both zero.
fn solution(j: &ExactJacobi, z: &BigRational, start: (i64, i64)) -> Vec<BigRational> {
    let start = if start == (0, 0) { (0, 1) } else { start };
    j.solution(z, integer(start.0), integer(start.1)).unwrap()
}

const INTERVALS: [Interval; 4] = [
    Interval::Open,
    Interval::ClosedOpen,
    Interval::OpenClosed,
    Interval::Closed,
];

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn nodes_count_eigenvalues(m in small_unreduced(1..7), z in -4i64..=4) {
        let j = exact(&m);
        let z = integer(z);
        let counts = j.count(&z);
        let n = j.order();
        for u in [j.solution_from_left(&z).unwrap(), j.solution_from_right(&z).unwrap()] {
            prop_assert_eq!(node_count(&u, 0, n + 1), counts.below);
            prop_assert_eq!(usize::from(zero(&u[0]) && zero(&u[n + 1])), counts.multiplicity());
        }
    }

    #[test]
    fn wronskian_totals_are_count_differences(m in matrices(2), z0 in -4i64..=4, z1 in -4i64..=4) {
        let (j0, j1, z0, z1) = (exact(&m[0]), exact(&m[1]), integer(z0), integer(z1));
        let (c0, c1) = (j0.count(&z0), j1.count(&z1));
        let difference = |a: usize, b: usize| a as i64 - b as i64;
        let right_left = ExactWronskian::right_left(&j0, &z0, &j1, &z1).unwrap();
        let left_right = ExactWronskian::left_right(&j0, &z0, &j1, &z1).unwrap();
        for w in [&right_left, &left_right] {
            prop_assert_eq!(w.total(Interval::Open), difference(c1.below, c0.at_most));
            prop_assert_eq!(w.total(Interval::Closed), difference(c1.at_most, c0.below));
        }
        prop_assert_eq!(right_left.total(Interval::ClosedOpen), difference(c1.below, c0.below));
        prop_assert_eq!(left_right.total(Interval::OpenClosed), difference(c1.below, c0.below));
        prop_assert_eq!(right_left.total(Interval::OpenClosed), difference(c1.at_most, c0.at_most));
        prop_assert_eq!(left_right.total(Interval::ClosedOpen), difference(c1.at_most, c0.at_most));
    }

    #[test]
    fn one_matrix_at_two_parameters_steps_upwards_only(m in small_unreduced(1..7), z0 in -4i64..=4, width in 0i64..=4) {
        let j = exact(&m);
        let (z0, z1) = (integer(z0), integer(z0 + width));
        let w = ExactWronskian::right_left(&j, &z0, &j, &z1).unwrap();
        prop_assert!(w.steps.iter().all(|&s| s == 0 || s == 1));
        let between = j.count(&z1).below as i64 - j.count(&z0).below as i64;
        prop_assert_eq!(w.total(Interval::ClosedOpen), between);
        let back = ExactWronskian::right_left(&j, &z1, &j, &z0).unwrap();
        prop_assert_eq!(back.total(Interval::ClosedOpen), -between);
    }

    #[test]
    fn weighted_counts_and_nodes_differ_by_the_boundary_terms(
        m in matrices(2), z in (-3i64..=3, -3i64..=3), starts in ((-1i64..=1, -1i64..=1), (-1i64..=1, -1i64..=1)),
    ) {
        let (j0, j1) = (exact(&m[0]), exact(&m[1]));
        let u0 = solution(&j0, &integer(z.0), starts.0);
        let u1 = solution(&j1, &integer(z.1), starts.1);
        let w = ExactWronskian::new(&j0, &u0, &j1, &u1).unwrap();
        let node = |u: &[BigRational], k: usize| i64::from(zero(&u[k]) || &u[k] * &u[k + 1] < integer(0));
        let boundary = |k: usize| {
            i64::from(!zero(&u0[k]) && (zero(&u1[k]) || positive(&(&w.values[k] * &u0[k] * &u1[k]))))
        };
        let n = j0.order();
        for a in 0..=n {
            for b in a..=n {
                let nodes: i64 = (a..b).map(|k| node(&u1, k) - node(&u0, k)).sum();
                let weighted = w.count(Interval::ClosedOpen, a, b).unwrap();
                prop_assert_eq!(weighted, nodes + boundary(b) - boundary(a));
                prop_assert!((weighted - nodes).abs() <= 1);
            }
        }
    }

    #[test]
    fn triangle_and_exchange(
        m in matrices(3), z in (-3i64..=3, -3i64..=3, -3i64..=3), starts in vec((-1i64..=1, -1i64..=1), 3),
    ) {
        let j: Vec<_> = m.iter().map(exact).collect();
        let z = [z.0, z.1, z.2].map(integer);
        let u: Vec<_> = (0..3).map(|i| solution(&j[i], &z[i], starts[i])).collect();
        let w = |a: usize, b: usize| ExactWronskian::new(&j[a], &u[a], &j[b], &u[b]).unwrap();
        let (w01, w12, w02, w10) = (w(0, 1), w(1, 2), w(0, 2), w(1, 0));
        let n = j[0].order();
        for a in 0..=n {
            for b in a..=n {
                for interval in [Interval::ClosedOpen, Interval::Open, Interval::Closed] {
                    let count = |w: &ExactWronskian| w.count(interval, a, b).unwrap();
                    prop_assert!((count(&w01) + count(&w12) - count(&w02)).abs() <= 1);
                }
                let count = |w: &ExactWronskian, interval| w.count(interval, a, b).unwrap();
                prop_assert_eq!(count(&w10, Interval::ClosedOpen), -count(&w01, Interval::OpenClosed));
                prop_assert_eq!(count(&w10, Interval::Open), -count(&w01, Interval::Closed));
            }
        }
    }

    #[test]
    fn inertia_of_the_difference_bounds_the_count(m in matrices(2), z0 in -4i64..=4, z1 in -4i64..=4) {
        let n = m[0].0.len();
        // D = (J0 - z0) - (J1 - z1) with couplings of one sign.
        let diagonal: Vec<i64> = (0..n).map(|k| (m[0].0[k] - z0) - (m[1].0[k] - z1)).collect();
        let off: Vec<i64> = (1..n).map(|k| m[1].1[k - 1].abs() - m[0].1[k - 1].abs()).collect();
        let d = both(&diagonal, &off).0.count(&integer(0));
        let (c0, c1) = (exact(&m[0]).count(&integer(z0)), exact(&m[1]).count(&integer(z1)));
        let shift = c1.below as i64 - c0.below as i64;
        prop_assert!(-(d.below as i64) <= shift && shift <= (n - d.at_most) as i64);
        if d.below == 0 {
            let w = ExactWronskian::right_left(&exact(&m[0]), &integer(z0), &exact(&m[1]), &integer(z1)).unwrap();
            for interval in INTERVALS {
                prop_assert!(w.total(interval) >= -i64::from(interval == Interval::Open));
            }
        }
    }

    #[test]
    fn lowering_the_diagonal_never_steps_down(
        m in small_unreduced(1..7), lower in vec(0i64..=2, 6), z in -3i64..=3, starts in ((-1i64..=1, -1i64..=1), (-1i64..=1, -1i64..=1)),
    ) {
        let lowered: Vec<i64> = m.0.iter().zip(&lower).map(|(b, t)| b - t).collect();
        let (j0, j1) = (exact(&m), both(&lowered, &m.1).0);
        let z = integer(z);
        let w = ExactWronskian::new(&j0, &solution(&j0, &z, starts.0), &j1, &solution(&j1, &z, starts.1)).unwrap();
        prop_assert!(w.steps.iter().all(|&s| s >= 0));
        // Comparison: a further lowering only adds eigenvalues below z.
        let further: Vec<i64> = lowered.iter().zip(lower.iter().rev()).map(|(b, t)| b - t).collect();
        let j2 = both(&further, &m.1).0;
        prop_assert!(j0.count(&z).below <= j1.count(&z).below && j1.count(&z).below <= j2.count(&z).below);
    }

    #[test]
    fn wronskian_increments_and_constancy(m in matrices(2), z in (-3i64..=3, -3i64..=3), row in 0usize..6) {
        let (j0, j1) = (exact(&m[0]), exact(&m[1]));
        let (z0, z1) = (integer(z.0), integer(z.1));
        let (u0, u1) = (j0.solution_from_right(&z0).unwrap(), j1.solution_from_left(&z1).unwrap());
        let w = ExactWronskian::new(&j0, &u0, &j1, &u1).unwrap();
        let n = j0.order();
        let a = |e: &[i64], k: usize| integer(if k == 0 || k == n { -1 } else { -e[k - 1].abs() });
        for k in 0..n {
            let diagonal = integer(m[0].0[k]) - &z0 - integer(m[1].0[k]) + &z1;
            let increment = diagonal * &u0[k + 1] * &u1[k + 1]
                + (a(&m[0].1, k) - a(&m[1].1, k)) * (&u0[k] * &u1[k + 1] + &u0[k + 1] * &u1[k]);
            prop_assert_eq!(&w.values[k + 1] - &w.values[k], increment);
        }
        // A change of one row: constant on both sides of it.
        let row = row % n;
        let mut changed = m[0].0.clone();
        changed[row] += 1;
        let j1 = both(&changed, &m[0].1).0;
        let u1 = j1.solution_from_left(&z0).unwrap();
        let w = ExactWronskian::new(&j0, &u0, &j1, &u1).unwrap();
        prop_assert!(w.values[..=row].windows(2).all(|p| p[0] == p[1]));
        prop_assert!(w.values[row + 1..].windows(2).all(|p| p[0] == p[1]));
    }

    #[test]
    fn float_steps_are_the_exact_ones_off_the_lattice(m in matrices(2), z0 in -4i64..=4, z1 in -4i64..=4) {
        // No integer matrix of this size has an eigenvalue, or a zero of its solutions, at these shifts.
        let (z0, z1) = (z0 as f64 + 0.375, z1 as f64 + 0.8125);
        let ((e0, f0), (e1, f1)) = (both(&m[0].0, &m[0].1), both(&m[1].0, &m[1].1));
        let lift = |x: f64| BigRational::from_float(x).unwrap();
        let narrow = |steps: &[i32]| steps.iter().map(|&s| s as i8).collect::<Vec<_>>();
        let (float, exact) = (
            Wronskian::right_left(&f0, z0, &f1, z1).unwrap(),
            ExactWronskian::right_left(&e0, &lift(z0), &e1, &lift(z1)).unwrap(),
        );
        prop_assume!(exact.values.iter().all(|w| !zero(w)));
        prop_assert_eq!(float.steps(), narrow(&exact.steps));
        for interval in INTERVALS {
            prop_assert_eq!(float.count(interval), exact.total(interval));
            prop_assert_eq!(f1.relative_count(z1, &f0, z0, interval).unwrap(), exact.total(interval));
        }
        let (float, exact) = (
            Wronskian::left_right(&f0, z0, &f1, z1).unwrap(),
            ExactWronskian::left_right(&e0, &lift(z0), &e1, &lift(z1)).unwrap(),
        );
        prop_assume!(exact.values.iter().all(|w| !zero(w)));
        prop_assert_eq!(float.steps(), narrow(&exact.steps));
    }

    #[test]
    fn the_spectral_shift_integrates_to_the_traces(j in float_matrix(), changes in vec(-1.0f64..1.0, 40)) {
        let raised: Vec<f64> = j.diagonal().iter().zip(&changes).map(|(d, t)| d + t).collect();
        let perturbed = Jacobi::new(raised, j.off_diagonal()).unwrap();
        let mut cuts = [j.eigenvalues(..).unwrap(), perturbed.eigenvalues(..).unwrap()].concat();
        cuts.sort_by(f64::total_cmp);
        // ξ is constant between neighbouring eigenvalues of either matrix.
        let cells: Vec<(f64, f64)> = cuts.windows(2).map(|w| (w[0], w[1])).collect();
        let middles: Vec<f64> = cells.iter().map(|(a, b)| a + (b - a) / 2.0).collect();
        let xi = j.spectral_shift(&perturbed, &middles).unwrap();
        // ∫ f' ξ = tr f(J1) - tr f(J0) for f(x) = x and x²; the traces from the entries, not from eigenvalues.
        let linear: f64 = cells.iter().zip(&xi).map(|((a, b), &s)| (b - a) * s as f64).sum();
        let square: f64 = cells.iter().zip(&xi).map(|((a, b), &s)| (b - a) * (b + a) * s as f64).sum();
        let traces = |m: &Jacobi| -> (f64, f64) {
            let off: f64 = m.off_diagonal().iter().map(|e| e * e).sum();
            (m.diagonal().iter().sum(), m.diagonal().iter().map(|d| d * d).sum::<f64>() + 2.0 * off)
        };
        let (t0, t1) = (traces(&j), traces(&perturbed));
        // 2n cells, each end 2.5 u R and one float off; |ξ| ≤ n, but its errors weigh by its jumps, 1 for each cut.
        let n = j.order() as f64;
        let size = cuts[0].abs().max(cuts[cuts.len() - 1].abs()).max(4.0);
        let bound = 2.0 * n * (3.0 + 4.0 * n) * f64::EPSILON * size;
        prop_assert!((linear - (t1.0 - t0.0)).abs() <= bound);
        // f' is at most 2 size.
        prop_assert!((square - (t1.1 - t0.1)).abs() <= 2.0 * size * bound);
    }

    #[test]
    fn nodes_and_angles_follow_the_counts(j in float_matrix(), t in 0.0f64..1.0) {
        prop_assume!(j.first_split().is_none());
        let (low, high) = j.gershgorin();
        let z = low + t * (high - low);
        let nodes = j.nodes(z).unwrap();
        prop_assert_eq!(nodes.len(), j.count_below(z).unwrap());
        let angles = j.pruefer_angles(z).unwrap();
        prop_assert_eq!(angles.len(), j.order() + 1);
        let turns = |k: usize| (angles[k] / std::f64::consts::PI).ceil() as i64;
        for k in 0..j.order() {
            prop_assert!((0..=1).contains(&(turns(k + 1) - turns(k))), "{:?}", angles);
        }
    }

    #[test]
    fn the_kth_eigenvector_changes_sign_k_times(d in vec(-1.0f64..1.0, 2..12)) {
        let off = vec![-1.0; d.len() - 1];
        let j = Jacobi::new(d, off).unwrap();
        let pairs = j.eigenpairs(..).unwrap();
        for k in 0..j.order() {
            prop_assert_eq!(sign_changes(pairs.vectors.column(k).as_slice()), k);
        }
    }
}
