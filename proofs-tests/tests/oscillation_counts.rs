//! Laws of the counts, judged by exact arithmetic.

use std::ops::Bound::{Excluded, Included};

use hadamard_oscillation::exact::ExactJacobi;
use hadamard_oscillation::kernel::Isa;
use hadamard_oscillation::{
    Bidiagonal, CountStream, Counting, CyclicJacobi, Jacobi, LocalCounts, OscillationError, Pencil, Refinement, models,
};
use proofs_tests::oscillation::{
    both, cases, float_matrix, integer, rational, shift_for, small_integers, small_matrices,
};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;

/// 2.5 u R, the bound on the displacement of a count, and the rounding of the shifts at its ends.
fn band(j: &Jacobi, x: f64) -> f64 {
    1.25 * f64::EPSILON * j.coupling_radius() * (1.0 + 1e-10) + f64::EPSILON * x.abs() + f64::from_bits(1)
}

/// Errors of determinants are relative to the largest entry: each of the three roundings of a row moves d - x or e² by
/// u of it, and x itself moves by u when it is scaled.
fn absolute_band(j: &Jacobi) -> f64 {
    let (low, high) = j.gershgorin();
    8.0 * f64::EPSILON * low.abs().max(high.abs()) + f64::from_bits(1)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn counts_of_small_integers_lie_between_the_exact_ones((d, e) in small_integers(), x in -5i64..=5) {
        let (exact, float) = both(&d, &e);
        let counts = exact.count(&integer(x));
        let (below, at_most) = (float.count_below(x as f64).unwrap(), float.count_at_most(x as f64).unwrap());
        prop_assert!(counts.below <= below && at_most <= counts.at_most && below <= at_most);
        prop_assert_eq!(float.count_exact(x as f64).unwrap(), counts);
        prop_assert_eq!(float.count_certified(x as f64).unwrap(), counts);
    }

    #[test]
    fn counts_are_monotone_float_by_float(j in float_matrix(), k in 0u32..1000) {
        let mut x = j.eigenvalue(k as usize % j.order()).unwrap();
        (0..4).for_each(|_| x = x.next_down());
        let xs: Vec<f64> = std::iter::successors(Some(x), |x| Some(x.next_up())).take(9).collect();
        let (below, at_most) = (j.counts_below(&xs).unwrap(), j.counts_at_most(&xs).unwrap());
        prop_assert!(below.is_sorted() && at_most.is_sorted());
        prop_assert!(below.iter().zip(&at_most).all(|(b, a)| b <= a));
        let (low, high) = j.gershgorin();
        let eta = 4.0 * band(&j, low.abs().max(high.abs()));
        prop_assert_eq!((j.count_below(low - eta).unwrap(), j.count_below(high + eta).unwrap()), (0, j.order()));
    }

    #[test]
    fn symmetries_hold_bit_for_bit(j in float_matrix(), choice in 0u32..1000, t in 0.0f64..1.0, flips in 0u64..) {
        let x = shift_for(&j, choice, t);
        let (below, at_most) = (j.count_below(x).unwrap(), j.count_at_most(x).unwrap());
        prop_assert_eq!(below, j.order() - j.negated().count_at_most(-x).unwrap());
        let flipped: Vec<f64> =
            j.off_diagonal().iter().enumerate().map(|(k, &e)| if flips >> (k % 64) & 1 == 1 { -e } else { e }).collect();
        let flipped = Jacobi::new(j.diagonal(), flipped).unwrap();
        prop_assert_eq!(flipped.count_below(x).unwrap(), below);
        for exponent in [-300, 7, 500] {
            let scale = 2f64.powi(exponent);
            if x * scale / scale != x {
                continue; // not a multiplication by a power of two: x falls below the subnormals
            }
            prop_assert_eq!(j.scaled(exponent).unwrap().count_below(x * scale).unwrap(), below);
            prop_assert_eq!(j.scaled(exponent).unwrap().count_at_most(x * scale).unwrap(), at_most);
        }
    }

    #[test]
    fn other_routes_agree_outside_the_band(j in float_matrix(), choice in 0u32..1000, t in 0.0f64..1.0) {
        let x = shift_for(&j, choice, t);
        let eta = 2.0 * band(&j, x);
        let (low, high) = (j.count_below(x - eta).unwrap(), j.count_below(x + eta).unwrap());
        for count in [j.reversed().count_below(x).unwrap(), j.count_below_two_sided(x).unwrap()] {
            prop_assert!(low <= count && count <= high, "{low} <= {count} <= {high}");
        }
    }

    #[test]
    fn counts_without_divisions_stay_in_the_absolute_band(j in float_matrix(), ts in vec((0u32..1000, 0.0f64..1.0), 1..20)) {
        let xs: Vec<f64> = ts.iter().map(|&(choice, t)| shift_for(&j, choice, t)).collect();
        let eta = absolute_band(&j);
        let free = j.counts_below_by(&xs, Counting::DivisionFree).unwrap();
        for (&x, count) in xs.iter().zip(free) {
            let (low, high) = (j.count_below(x - eta).unwrap(), j.count_below(x + eta).unwrap());
            prop_assert!(low <= count && count <= high, "{low} <= {count} <= {high} at {x:e}");
        }
    }

    #[test]
    fn determinants_that_decay_are_rescued(n in 65usize..400, rate in 5i32..14, back in any::<bool>(), ts in vec(0.0f64..1.0, 8)) {
        // Entries fall by 2^-rate a row: determinants shrink by 2^(-rate k) in row k, far below 2^-800 within a block.
        let power = |k: usize| 2f64.powi(-((rate * k as i32) % 400));
        let mut d: Vec<f64> = (0..n).map(|k| power(k) * [1.0, -0.7, 0.3][k % 3]).collect();
        let mut e: Vec<f64> = (1..n).map(|k| power(k) * 0.9).collect();
        if back {
            d.reverse();
            e.reverse();
        }
        let j = Jacobi::new(d, e).unwrap();
        let eta = absolute_band(&j);
        let xs: Vec<f64> = ts.iter().enumerate().map(|(i, t)| (t - 0.5) * 2f64.powi(-3 * i as i32)).collect();
        let free = j.counts_below_by(&xs, Counting::DivisionFree).unwrap();
        for (&x, count) in xs.iter().zip(free) {
            let (low, high) = (j.count_below(x - eta).unwrap(), j.count_below(x + eta).unwrap());
            prop_assert!(low <= count && count <= high, "{low} <= {count} <= {high} at {x:e}");
        }
    }

    #[test]
    fn small_integers_are_counted_exactly_without_divisions((d, e) in small_integers(), x in -5i64..=5) {
        // Every determinant is a small integer: nothing is rounded, ties and zeros included.
        let (exact, float) = both(&d, &e);
        let free = float.counts_below_by(&[x as f64], Counting::DivisionFree).unwrap()[0];
        prop_assert_eq!(free, exact.count(&integer(x)).below);
    }

    #[test]
    fn segments_join_to_the_serial_count(j in float_matrix(), cuts in vec(1usize..40, 0..8), choice in 0u32..1000, t in 0.0f64..1.0) {
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|&c| c < j.order()).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let x = shift_for(&j, choice, t);
        let count = j.count_below_cut_at(x, &cuts).unwrap();
        // 2.5 u R of the pivots and 4 u m ‖J‖ of the joints, m at most the order.
        let (low, high) = j.gershgorin();
        let eta = 2.0 * band(&j, x) + 2.0 * f64::EPSILON * j.order() as f64 * low.abs().max(high.abs());
        let (low, high) = (j.count_below(x - eta).unwrap(), j.count_below(x + eta).unwrap());
        prop_assert!(low <= count && count <= high, "{low} <= {count} <= {high} at {x:e}, cuts {cuts:?}");
    }

    #[test]
    fn segments_of_small_integers_join_exactly((d, e) in small_integers(), cuts in vec(1usize..7, 0..4), x in -5i64..=5) {
        let (_, float) = both(&d, &e);
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|&c| c < d.len()).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let x = x as f64 + 0.37; // off the lattice: no integer matrix of this size has an eigenvalue this close to it
        prop_assert_eq!(float.count_below_cut_at(x, &cuts).unwrap(), float.count_below(x).unwrap());
    }

    #[test]
    fn splits_add_bit_for_bit(a in float_matrix(), b in float_matrix(), choice in 0u32..1000, t in 0.0f64..1.0) {
        let diagonal = [a.diagonal(), b.diagonal()].concat();
        let joined = Jacobi::new(diagonal, [a.off_diagonal(), &[0.0], b.off_diagonal()].concat()).unwrap();
        let x = shift_for(&a, choice, t);
        prop_assert_eq!(joined.count_below(x).unwrap(), a.count_below(x).unwrap() + b.count_below(x).unwrap());
        prop_assert_eq!(joined.count_at_most(x).unwrap(), a.count_at_most(x).unwrap() + b.count_at_most(x).unwrap());
        prop_assert_eq!(joined.blocks().count(), a.blocks().count() + b.blocks().count());
    }

    #[test]
    fn lanes_streams_and_threads_give_the_same_counts(j in float_matrix(), ts in vec((0u32..1000, 0.0f64..1.0), 1..40)) {
        let xs: Vec<f64> = ts.iter().map(|&(choice, t)| shift_for(&j, choice, t)).collect();
        let below: Vec<usize> = xs.iter().map(|&x| j.count_below(x).unwrap()).collect();
        let at_most: Vec<usize> = xs.iter().map(|&x| j.count_at_most(x).unwrap()).collect();
        prop_assert_eq!(&j.counts_below(&xs).unwrap(), &below);
        prop_assert_eq!(&j.counts_at_most(&xs).unwrap(), &at_most);
        for isa in Isa::available() {
            let mut counts = vec![0; xs.len()];
            j.counts_below_on(isa, &xs, &mut counts).unwrap();
            prop_assert_eq!(&counts, &below, "{}", isa.name());
        }
        let mut stream = CountStream::new(&xs).unwrap();
        for k in 0..j.order() {
            stream.push(j.diagonal()[k], if k == 0 { 0.0 } else { j.off_diagonal()[k - 1] }).unwrap();
        }
        prop_assert_eq!(stream.counts_below(), below);
        prop_assert_eq!(stream.counts_at_most(), at_most);
    }

    #[test]
    fn minors_interlace_and_rank_one_moves_by_one((d, e) in small_integers(), x in -5i64..=5, t in 0i64..4, row in 0usize..7) {
        let (exact, _) = both(&d, &e);
        let counts = exact.count(&integer(x));
        if d.len() > 1 {
            let minor = both(&d[1..], &e[1..]).0.count(&integer(x));
            prop_assert!(minor.below <= counts.below && counts.below <= minor.below + 1);
        }
        let mut raised = d.clone();
        raised[row % d.len()] += t;
        let (exact, float) = both(&raised, &e);
        let moved = exact.count(&integer(x));
        prop_assert!(moved.below <= counts.below && counts.below <= moved.below + 1);
        prop_assert_eq!(float.count_certified(x as f64).unwrap(), moved);
    }

    #[test]
    fn brackets_hold_the_exact_count(j in float_matrix(), choice in 0u32..1000, t in 0.0f64..1.0) {
        // Integer arithmetic on wildly graded entries is slow: the leading rows are enough.
        let j = j.block(0..j.order().min(12)).unwrap();
        let x = shift_for(&j, choice, t);
        let bracket = j.count_bracket(x).unwrap();
        let exact = j.count_exact(x).unwrap();
        prop_assert!(bracket.lower <= exact.below && exact.at_most <= bracket.upper);
        prop_assert_eq!(ExactJacobi::from(&j).count(&rational(x)), exact);
        prop_assert_eq!(j.count_certified(x).unwrap(), exact);
    }

    #[test]
    fn eigenvalues_are_where_the_count_jumps(j in float_matrix()) {
        let n = j.order();
        let all = j.eigenvalues(..).unwrap();
        prop_assert!(all.is_sorted());
        let after: Vec<f64> = all.iter().map(|x| x.next_up()).collect();
        let (before, after) = (j.counts_below(&all).unwrap(), j.counts_below(&after).unwrap());
        prop_assert!((0..n).all(|k| before[k] <= k && k < after[k]));
        prop_assert_eq!(&j.eigenvalues_by(.., Refinement::Section).unwrap(), &all);
        for k in [0, n / 3, n - 1] {
            prop_assert_eq!(j.eigenvalue(k).unwrap(), all[k]);
            let (low, high) = j.eigenvalue_bracket(k).unwrap();
            prop_assert!(low < all[k] && all[k] < high);
        }
        // Each eigenvalue is 2.5 u R and one float off at most; a sum of n terms adds n u of its size.
        let size = j.gershgorin().0.abs().max(j.gershgorin().1.abs());
        let bound = n as f64 * (band(&j, size) + f64::EPSILON * size * n as f64);
        let trace: f64 = j.diagonal().iter().sum();
        prop_assert!((all.iter().sum::<f64>() - trace).abs() <= bound);
        let squares = j.diagonal().iter().map(|d| d * d).sum::<f64>() + 2.0 * j.off_diagonal().iter().map(|e| e * e).sum::<f64>();
        prop_assert!((all.iter().map(|v| v * v).sum::<f64>() - squares).abs() <= 4.0 * size * bound);
    }

    #[test]
    fn intervals_hold_as_many_eigenvalues_as_they_count(j in float_matrix(), choice in 0u32..1000, t in 0.0f64..1.0) {
        let (x, y) = (shift_for(&j, choice, t), shift_for(&j, choice / 4 + 3, 1.0 - t));
        let (a, b) = (x.min(y), x.max(y));
        prop_assert_eq!(j.eigenvalues_in(a..b).unwrap().len(), j.count_in(a..b).unwrap());
        prop_assert_eq!(j.eigenvalues_in(a..=b).unwrap().len(), j.count_in(a..=b).unwrap());
        prop_assert_eq!(j.eigenvalues_in(..b).unwrap().len(), j.count_below(b).unwrap());
        let half_open = (Excluded(a), Included(b));
        prop_assert_eq!(j.eigenvalues_in(half_open).unwrap().len(), j.count_in(half_open).unwrap());
        let open = (Excluded(a), Excluded(b));
        prop_assert_eq!(j.eigenvalues_in(open).unwrap().len(), j.count_in(open).unwrap());
        let outside = j.count_below(a).unwrap() + j.order() - j.count_at_most(b).unwrap();
        prop_assert_eq!(j.count_in(a..=b).unwrap() + outside, j.order());
    }

    #[test]
    fn local_recounts_equal_full_counts((d, e) in small_integers(), patch in vec(-3i64..=3, 1..4), new in -2i64..=2, first in 0usize..7, x in -4i64..=4) {
        let x = x as f64 + 0.37; // off the lattice: no integer matrix of this size has an eigenvalue this close to it
        let (_, float) = both(&d, &e);
        let width = patch.len().min(d.len());
        let first = first % (d.len() - width + 1);
        let (mut changed_d, mut changed_e) = (d.clone(), e.clone());
        changed_d[first..first + width].copy_from_slice(&patch[..width]);
        changed_e[first..first + width - 1].fill(new);
        let (_, changed) = both(&changed_d, &changed_e);
        let local = LocalCounts::new(&float, x).unwrap();
        let lift = |v: &[i64]| v.iter().map(|&k| k as f64).collect::<Vec<_>>();
        let count = local.count_with(first, &lift(&patch[..width]), &lift(&changed_e[first..first + width - 1])).unwrap();
        let exact = changed.count_exact(x).unwrap();
        prop_assert_eq!(exact.multiplicity(), 0);
        prop_assert_eq!(count, exact.below);
        // The critical change puts an eigenvalue at x: a little less and a little more differ by one.
        let change = local.critical_change(first).unwrap();
        if change.is_finite() && change.abs() < 1e6 {
            let entry = float.diagonal()[first] + change;
            let wiggle = 1e-9 * (1.0 + entry.abs());
            let low = local.count_with(first, &[entry - wiggle], &[]).unwrap();
            let high = local.count_with(first, &[entry + wiggle], &[]).unwrap();
            prop_assert_eq!(low, high + 1);
        }
    }

    #[test]
    fn relatives_reduce_to_the_plain_count(j in float_matrix(), choice in 0u32..1000, t in 0.0f64..1.0) {
        let x = shift_for(&j, choice, t);
        let n = j.order();
        let identity = Jacobi::new(vec![1.0; n], vec![0.0; n - 1]).unwrap();
        prop_assert_eq!(Pencil::new(j.clone(), identity).unwrap().count_below(x).unwrap(), j.count_below(x).unwrap());
        if n >= 3 {
            let open_ring = CyclicJacobi::new(j.diagonal(), j.off_diagonal(), 0.0).unwrap();
            prop_assert_eq!(open_ring.count_below(x).unwrap(), j.count_below(x).unwrap());
        }
    }

    #[test]
    fn rings_have_the_counts_of_their_dense_matrices((d, e) in small_matrices(3), corner in -2i64..=2, x in -5i64..=5) {
        let lift = |v: &[i64]| v.iter().map(|&k| k as f64).collect::<Vec<_>>();
        let ring = CyclicJacobi::new(lift(&d), lift(&e), corner as f64).unwrap();
        let mut dense = both(&d, &e).1.to_dense();
        let n = d.len();
        dense[(0, n - 1)] += corner as f64;
        dense[(n - 1, 0)] += corner as f64;
        let x = x as f64 + 0.37;
        let values = dense.symmetric_eigenvalues();
        // nalgebra's eigenvalues are right to about n u of the norm, at most 12 here.
        prop_assume!(values.iter().all(|v| (v - x).abs() > 1e-12));
        prop_assert_eq!(ring.count_below(x).unwrap(), values.iter().filter(|&&v| v < x).count());
    }

    #[test]
    fn pencils_have_the_counts_of_their_dense_matrices((d, e) in small_integers(), x in -20i64..=20) {
        let n = d.len();
        let (_, stiffness) = both(&d, &e);
        let mass = Jacobi::new(vec![4.0; n], vec![1.0; n - 1]).unwrap();
        let x = f64::from(x as i32) / 8.0 + 0.037;
        let values = (stiffness.to_dense() - mass.to_dense() * x).symmetric_eigenvalues();
        prop_assume!(values.iter().all(|v| v.abs() > 1e-12));
        let pencil = Pencil::new(stiffness, mass).unwrap();
        let count = pencil.count_below(x).unwrap();
        prop_assert_eq!(count, values.iter().filter(|&&v| v < 0.0).count());
        if count > 0 {
            prop_assert!(pencil.eigenvalue(count - 1).unwrap() < x);
        }
    }

    #[test]
    fn single_precision_counts_stay_in_their_band(d in vec(-3.0f32..3.0, 1..40), scale in 0.0f32..2.0, x in -4.0f32..4.0) {
        let off: Vec<f32> = d[1..].iter().map(|v| v * scale).collect();
        let single = Jacobi::<f32>::new(&d[..], &off[..]).unwrap();
        let lift = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let double = Jacobi::new(lift(&d), lift(&off)).unwrap();
        let eta = 1.25 * f64::from(f32::EPSILON) * double.coupling_radius() * (1.0 + 1e-6) + 1e-40;
        let count = single.count_below(x).unwrap();
        prop_assert!(double.count_below(f64::from(x) - eta).unwrap() <= count);
        prop_assert!(count <= double.count_below(f64::from(x) + eta).unwrap());
        prop_assert_eq!(single.counts_below(&[x]).unwrap(), vec![count]);
    }

    #[test]
    fn singular_values_square_to_the_eigenvalues_of_the_product(q in vec(-2.0f64..2.0, 1..8), r in -2.0f64..2.0) {
        let upper = vec![r; q.len() - 1];
        let b = Bidiagonal::new(&q, &upper).unwrap();
        let values = b.singular_values(..).unwrap();
        let dense = nalgebra::DMatrix::from_fn(q.len(), q.len(), |i, k| if i == k { q[i] } else if k == i + 1 { r } else { 0.0 });
        let mut reference: Vec<f64> = dense.singular_values().iter().copied().collect();
        reference.sort_by(f64::total_cmp);
        for (a, b) in values.iter().zip(&reference) {
            // The dense values are right to a few n u of the largest one.
            prop_assert!((a - b).abs() <= 16.0 * q.len() as f64 * f64::EPSILON * reference[q.len() - 1]);
        }
        let s = reference[q.len() - 1] * 0.5;
        prop_assert_eq!(b.count_below(s).unwrap(), values.iter().filter(|&&v| v < s).count());
    }
}

#[test]
fn degenerate_matrices_count_as_their_closed_forms() {
    let flat = Jacobi::new(vec![1.5; 9], vec![0.0; 8]).unwrap();
    assert_eq!(
        (flat.count_below(1.5).unwrap(), flat.count_at_most(1.5).unwrap()),
        (0, 9)
    );
    assert_eq!(flat.eigenvalues(..).unwrap(), [1.5; 9]);
    assert_eq!(flat.count_certified(1.5).unwrap().multiplicity(), 9);
    let single = Jacobi::new(vec![-3.0], vec![]).unwrap();
    assert_eq!(single.eigenvalue(0).unwrap(), -3.0);
    let tiny = f64::from_bits(3);
    let subnormal = Jacobi::new(vec![0.0; 2], vec![tiny]).unwrap();
    assert_eq!(subnormal.count_certified(0.0).unwrap().below, 1);
    for n in (1..2000).step_by(97) {
        let chain = models::free_chain(n).unwrap();
        let tie = n % 2;
        let counts = (chain.count_below(0.0).unwrap(), chain.count_at_most(0.0).unwrap());
        assert_eq!(counts, (n / 2, n / 2 + tie), "order {n}");
    }
}

#[test]
fn long_chains_agree_by_every_route() {
    for disorder in [0.0, 0.5, 4.0] {
        let j = models::anderson(100_000, disorder, &mut rand_pcg::Pcg64::seed_from_u64(3)).unwrap();
        for x in [-2.3, -0.71, 0.0, 1.234] {
            let count = j.count_below(x).unwrap();
            // One lane of sixteen is a single chain: the segments of a long count end in the same bits.
            assert_eq!(j.counts_below(&[x]).unwrap(), [count]);
            let eta = 1e-12;
            let band = j.count_below(x - eta).unwrap()..=j.count_below(x + eta).unwrap();
            assert!(band.contains(&j.counts_below_by(&[x], Counting::DivisionFree).unwrap()[0]));
            for segments in [1, 2, 7, 64, 1000] {
                assert!(
                    band.contains(&j.count_below_segmented(x, segments).unwrap()),
                    "{disorder}, {x}, {segments}"
                );
            }
        }
        let edges: Vec<f64> = (0..100).map(|i| -3.0 + 0.06 * f64::from(i)).collect();
        let (a, b) = (
            j.density_of_states(&edges).unwrap(),
            j.density_of_states_by(&edges, Counting::DivisionFree).unwrap(),
        );
        let apart: usize = a.counts.iter().zip(&b.counts).map(|(a, b)| a.abs_diff(*b)).sum();
        assert!(apart <= 2, "{apart}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let j = models::almost_mathieu(3000, 1.0, 0.618_033_988_749_894_9, 0.3).unwrap();
    let xs: Vec<f64> = (0..333).map(|i| -4.0 + f64::from(i) * 0.024).collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (j.counts_below(&xs).unwrap(), j.eigenvalues(1000..1050).unwrap()))
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn hostile_input_is_refused_with_a_reason() {
    let j = models::free_chain(5).unwrap();
    assert!(matches!(
        j.eigenvalues(3..3),
        Err(OscillationError::EmptyRange { start: 3, end: 3 })
    ));
    assert!(matches!(
        j.eigenvalues(4..9),
        Err(OscillationError::IndexOutOfRange { index: 8, len: 5, .. })
    ));
    assert!(matches!(j.eigenvalue(5), Err(OscillationError::IndexOutOfRange { .. })));
    assert!(matches!(
        j.eigenvalues_in(1.0..-1.0),
        Err(OscillationError::ReversedInterval { .. })
    ));
    assert!(j.eigenpairs(7..).is_err());
    assert!(j.count_exact(f64::INFINITY).is_err() && j.count_bracket(f64::NAN).is_err());
    assert!(j.gaps(0.0).is_err() && j.gaps(f64::NAN).is_err() && j.gaps(1e-300).is_err());
    assert!(j.density_of_states(&[0.0]).is_err() && j.density_of_states(&[1.0, 0.0]).is_err());
    assert!(LocalCounts::new(&j, f64::NAN).is_err());
    let local = LocalCounts::new(&j, 0.1).unwrap();
    assert!(local.count_with(5, &[1.0], &[]).is_err() && local.count_with(0, &[], &[]).is_err());
    assert!(local.count_with(usize::MAX, &[1.0, 2.0], &[0.0]).is_err());
    assert!(local.count_with(0, &[1.0, 2.0], &[]).is_err() && local.count_with(0, &[f64::NAN], &[]).is_err());
    assert!(local.critical_change(5).is_err());
    assert!(CountStream::new(&[f64::NAN]).is_err());
    let mut stream = CountStream::new(&[0.0]).unwrap();
    assert!(stream.push(1.0, 1.0).is_err() && stream.push(f64::NAN, 0.0).is_err());
    assert_eq!(stream.rows(), 0);
    assert!(CyclicJacobi::new(vec![0.0; 2], vec![1.0], 1.0).is_err());
    assert!(CyclicJacobi::new(vec![0.0; 3], vec![1.0; 2], f64::NAN).is_err());
    let indefinite = Jacobi::new(vec![1.0, 1.0], vec![2.0]).unwrap();
    let mass = Pencil::new(indefinite.clone(), indefinite);
    assert!(matches!(
        mass,
        Err(OscillationError::NotPositiveDefinite { row: 1, .. })
    ));
    assert!(Bidiagonal::new(&[], &[]).is_err() && Bidiagonal::new(&[1.0, 2.0], &[]).is_err());
    assert!(models::free_chain(0).is_err() && models::laguerre(3, -2.0).is_err());
    assert!(Jacobi::<f32>::new(vec![f32::NAN], vec![]).is_err());
}
