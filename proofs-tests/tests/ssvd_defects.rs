//! Inputs on which another implementation of the same updates (the reference code of the method's authors) loses
//! digits, returns NaN, raises an exception or leaves vectors out without a word. Each is a test that passes here.

use hadamard_ssvd::*;
use nalgebra::DMatrix;
use proofs_tests::ssvd::*;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use rand_pcg::Pcg64;

/// The specification of one update of `old` to `new`: values and error of the best approximation of rank k.
fn meets(svd: &UpdatingSvd<impl Augmentation>, new: &DMatrix<f64>, k: usize) {
    let (values, target) = best(new, k);
    for (i, t) in values.iter().take(k).enumerate() {
        let s = svd.singular_values().get(i).copied().unwrap_or(0.0);
        assert!((s - t).abs() <= TIGHT * values[0], "value {i}: {s:e} for {t:e}");
    }
    let unit = new.amax().max(f64::MIN_POSITIVE);
    let error = ((new - svd.to_dense()) / unit).norm_squared();
    let optimal = ((new - target) / unit).norm_squared();
    let total = (new / unit).norm_squared();
    assert!((error - optimal).abs() <= TIGHT * total, "{error:e} for {optimal:e}");
    // k eps cond(K).
    let condition = svd.condition().0.max(svd.condition().1);
    assert_sound(&svd.svd(), TIGHT.max(k as f64 * f64::EPSILON * condition));
}

/// 2000 single rows whose norms are log-normal. The peer ends with a mixing matrix of condition 1e12 and vectors
/// orthogonal to 1e-7.
#[test]
fn long_streams_keep_their_condition_and_orthogonality() {
    let scale = LogNormal::new(0.0, 2.0).expect("a positive deviation");
    for seed in 0..2 {
        let mut rng = Pcg64::seed_from_u64(seed);
        let options = UpdateOptions::default();
        let mut svd = UpdatingSvd::start(&sparse(60, 40, 0.2, seed), 10, Exact).unwrap();
        for step in 0..2000u64 {
            let row = sparse(1, 40, 0.2, 1000 * (seed + 1) + step);
            svd.add_rows(&row.scaled(scale.sample(&mut rng)).unwrap()).unwrap();
            let condition = svd.condition();
            // An update past the limit multiplies the factors out.
            assert!(
                condition.0.max(condition.1) <= options.condition_limit,
                "{condition:?} at {step}"
            );
            if step % 100 == 99 {
                let error = svd.orthogonality_error();
                assert!(error <= options.drift_limit, "{error:e} at {step}");
            }
        }
        assert!(svd.rebases() > 0);
        let full = svd.svd();
        assert!(orthogonality(&full.u).max(orthogonality(&full.v)) <= options.drift_limit);
    }
}

/// The peer's absolute threshold takes every direction of small data for zero: values wrong by 0.15 s_1 at 1e-3.
#[test]
fn small_data_lose_no_direction() {
    for seed in 0..20 {
        let (a, e) = (sparse(20, 12, 0.4, seed), sparse(6, 12, 0.5, seed + 99));
        for scale in [1.0, 1e-3, 1e-5, 1e-9, 1e-12, 1e-30] {
            let (a, e) = (a.scaled(scale).unwrap(), e.scaled(scale).unwrap());
            let mut svd = UpdatingSvd::start(&a, 5, Exact).unwrap();
            let new = below(&svd.to_dense(), &e.to_dense());
            let report = svd.add_rows(&e).unwrap();
            assert!(report.directions > 0);
            meets(&svd, &new, 5);
        }
    }
}

/// A huge row inside the span of V leaves nothing but rounding of its own size outside. The peer takes that for a
/// direction, or for the root of a negative number: NaN or an exception in up to half of such trials.
#[test]
fn huge_rows_inside_the_span() {
    for trial in 0..50 {
        for norm in [1e5, 1e8, 1e100] {
            let mut svd = UpdatingSvd::start(&sparse(20, 12, 0.4, trial), 5, Exact).unwrap();
            let (old, v) = (svd.to_dense(), svd.svd().v);
            let mut rng = Pcg64::seed_from_u64(trial);
            let weights: Vec<f64> = (0..v.ncols()).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect();
            let row: DMatrix<f64> = DMatrix::from_fn(1, 12, |_, j| {
                weights.iter().zip(v.row(j).iter()).map(|(w, v)| w * v).sum::<f64>()
            });
            let row: DMatrix<f64> = &row * (norm / row.norm());
            svd.add_rows(&Csr::from_dense(&row).unwrap()).unwrap();
            assert!(svd.singular_values().iter().all(|s| s.is_finite()));
            meets(&svd, &below(&old, &row), 5);
        }
    }
}

/// The peer reads entries given twice as one of the two where it compresses rows, and as their sum elsewhere.
#[test]
fn duplicates_are_added_and_never_dropped() {
    let a = sparse(15, 10, 0.4, 1);
    let twice = [
        (0, 3, 1.0),
        (0, 3, 2.0),
        (1, 7, -1.0),
        (0, 3, 0.5),
        (1, 2, 4.0),
        (1, 7, 3.0),
    ];
    let once = [(0, 3, 3.5), (1, 2, 4.0), (1, 7, 2.0)];
    let run = |entries: &[(usize, usize, f64)]| {
        let mut svd = UpdatingSvd::start(&a, 4, Exact).unwrap();
        svd.add_rows(&Csr::from_triplets(2, 10, entries.iter().copied()).unwrap())
            .unwrap();
        svd.change_entries(entries).unwrap();
        let rows = (0..2).map(|i| entries.iter().filter(move |e| e.0 == i).map(|e| (e.1, e.2)));
        svd.extend_rows(rows, 2).unwrap();
        svd.svd()
    };
    assert_eq!(run(&twice), run(&once));
    // A compressed matrix with an entry twice is refused rather than guessed at.
    let unsummed = Csr::new(1, 10, vec![0, 2], vec![3, 3], vec![1.0, 2.0]);
    assert!(matches!(unsummed, Err(SsvdError::Structure(_))));
}

/// A new row so large that it pushes a direction out of the rank entirely makes the mixing matrix singular. The peer
/// returns a U of the new row alone.
#[test]
fn a_direction_displaced_entirely() {
    for k in 1..=3 {
        for size in [10.0, 1e3, 1e8, 1e15] {
            let diagonal = Csr::from_triplets(3, 4, [(0, 0, 3.0), (1, 1, 2.0), (2, 2, 1.0)]).unwrap();
            let row = Csr::from_triplets(1, 4, [(0, 3, size)]).unwrap();
            let mut svd = UpdatingSvd::start(&diagonal, k, Exact).unwrap();
            let new = below(&svd.to_dense(), &row.to_dense());
            let report = svd.add_rows(&row).unwrap();
            meets(&svd, &new, k);
            let u = svd.svd().u;
            assert_eq!((u.nrows(), report.rank), (4, k));
            assert!((u[(3, 0)].abs() - 1.0).abs() < 1e-15 && u.column(0).rows(0, 3).norm() < 1e-15);
            // The condition of what is left is that of a fresh start, and the next update is as good.
            assert!(report.rebased && svd.condition().0 < 10.0 && svd.condition().1 < 10.0);
            let new = below(&svd.to_dense(), &row.to_dense());
            svd.add_rows(&row).unwrap();
            meets(&svd, &new, k);
            // The same from the other side.
            let mut svd = UpdatingSvd::start(&diagonal.transpose(), k, Exact).unwrap();
            let new = below(&svd.to_dense().transpose(), &row.to_dense()).transpose();
            svd.add_columns(&row.transpose()).unwrap();
            meets(&svd, &new, k);
        }
    }
}

/// Fewer rows, or rows of smaller rank, than directions asked for: the peer's GKL fails with a shape error (row batches
/// of rank below l = 16 with k = 64).
#[test]
fn fewer_directions_than_asked_for() {
    let a = sparse(90, 80, 0.12, 1);
    let of_rank_two = {
        let two = sparse(2, 80, 0.2, 5).to_dense();
        let entries = DMatrix::from_fn(38, 80, |i, j| {
            (i % 5) as f64 * two[(0, j)] - (i % 3) as f64 * two[(1, j)]
        });
        Csr::from_dense(&entries).unwrap()
    };
    let copies = Csr::from_triplets(38, 80, (0..38).flat_map(|i| [(i, 4, 1.0), (i, 9, 2.0)])).unwrap();
    let inside = a.row_range(0..10).unwrap();
    for rows in [
        sparse(1, 80, 0.1, 2),
        sparse(3, 80, 0.1, 3),
        of_rank_two,
        copies,
        inside,
        Csr::zeros(5, 80),
    ] {
        fn hold(a: &Csr, rows: &Csr, k: usize, method: impl Augmentation) {
            let mut svd = UpdatingSvd::start(a, k, method).unwrap();
            let new = below(&svd.to_dense(), &rows.to_dense());
            svd.add_rows(rows).unwrap();
            meets(&svd, &new, k);
            let new = below(&svd.to_dense(), &rows.to_dense());
            svd.add_rows(rows).unwrap();
            meets(&svd, &new, k);
        }
        for k in [10, 64] {
            hold(&a, &rows, k, Gkl { l: 16 });
            hold(&a, &rows, k, Rpi { l: 16, t: 3 });
            let all = Adaptive {
                tolerance: 0.0,
                max_l: 16,
            };
            hold(&a, &rows, k, all);
        }
    }
}

/// What the peers lack or do unasked: the data are not centred, rows leave again, and a start that the factors cannot
/// bear is refused instead of believed.
#[test]
fn values_are_those_of_the_matrix_itself() {
    // A large common mean: centring would remove the first value.
    let a = DMatrix::from_fn(30, 8, |i, j| 10.0 + ((i * 3 + j * j) % 5) as f64);
    let (head, tail) = (a.rows(0, 20).into_owned(), a.rows(20, 10).into_owned());
    let mut svd = UpdatingSvd::start(&Csr::from_dense(&head).unwrap(), 8, Exact).unwrap();
    svd.add_rows(&Csr::from_dense(&tail).unwrap()).unwrap();
    meets(&svd, &a, 8);
    svd.remove_rows(&(20..30).collect::<Vec<_>>()).unwrap();
    meets(&svd, &head, 8);
}

#[test]
fn near_span_rows_stay_orthonormal() {
    // With room for every direction, a row at a small distance from the span becomes a basis vector of its own.
    for distance in [0.0, 1e-12, 1e-9, 1e-8, 1e-6, 1e-4, 1e-2] {
        let a = of_rank(10, 9, 3, 5);
        let mut svd = UpdatingSvd::start(&Csr::from_dense(&a).unwrap(), 6, Exact).unwrap();
        let e = DMatrix::from_fn(1, 9, |_, j| a[(0, j)] + a[(1, j)] + if j == 4 { distance } else { 0.0 });
        svd.add_rows(&Csr::from_dense(&e).unwrap()).unwrap();
        assert_sound(&svd.svd(), TIGHT);
        let whole = below(&a, &e);
        // What may be left out is 1e-7 of the row.
        let error = (svd.to_dense() - &whole).norm();
        assert!(
            error <= distance.min(1e-7 * e.norm()) + TIGHT * whole.norm(),
            "{distance:e}: {error:e}"
        );
    }
}
