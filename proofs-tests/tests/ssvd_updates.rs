//! Updates of a truncated SVD: golden values, the specification (the best rank-k approximation of the updated A_k),
//! and the laws every updating method obeys.

use hadamard_ssvd::*;
use nalgebra::DMatrix;
use proofs_tests::ssvd::*;
use proptest::prelude::*;
use serde_json::Value;

/// eps times an allowance for the sizes of the cores (at most 64 here) and the loss of the Gram route (64).
const TIGHT: f64 = 4096.0 * f64::EPSILON;

fn matrix(value: &Value) -> DMatrix<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).expect("a list of rows");
    DMatrix::from_fn(rows.len(), rows.first().map_or(0, Vec::len), |i, j| rows[i][j])
}

fn csr(a: &DMatrix<f64>) -> Csr {
    Csr::from_dense(a).expect("finite")
}

fn close(found: &DMatrix<f64>, expected: &DMatrix<f64>, scale: f64, tolerance: f64) {
    let error = (found - expected).norm() / scale;
    assert!(
        error <= tolerance,
        "relative error {error:.1e}, allowed {tolerance:.1e}"
    );
}

fn apply(svd: &mut impl UpdateTruncatedSvd, op: &str, d: &DMatrix<f64>, e: &DMatrix<f64>) -> UpdateReport {
    match op {
        "rows" => svd.add_rows(&csr(e)),
        "cols" => svd.add_columns(&csr(e)),
        _ => svd.add_low_rank(&csr(d), &csr(e)),
    }
    .expect("a valid update")
}

#[test]
fn golden_sequences() {
    let file: Value = serde_json::from_str(include_str!("../values/updating-svd.json")).expect("golden values");
    for case in file["cases"].as_array().expect("cases") {
        let (a, k) = (csr(&matrix(&case["A"])), case["k"].as_u64().expect("k") as usize);
        let start = lanczos(&a, k, &LanczosOptions::default()).expect("a valid matrix").svd;
        let mut exact = UpdatingSvd::start(&a, k, Exact).expect("a valid matrix");
        let mut gkl = UpdatingSvd::start(&a, k, Gkl { l: 16 }).expect("a valid matrix");
        let mut rpi = UpdatingSvd::start(&a, k, Rpi { l: 16, t: 2 }).expect("a valid matrix");
        let dense = |method| DenseUpdating::new(start.clone(), k, method, 1).expect("a valid start");
        let mut zs = dense(DenseMethod::ZhaSimon);
        let mut vs = dense(DenseMethod::VecharynskiSaad { l: 16 });
        let mut yamazaki = dense(DenseMethod::Yamazaki { l: 16, t: 2 });
        for step in case["steps"].as_array().expect("steps") {
            let op = step["op"].as_str().expect("op");
            let d = if step["D"].is_null() {
                DMatrix::zeros(0, 0)
            } else {
                matrix(&step["D"])
            };
            let e = matrix(&step["E"]);
            let approximation = matrix(&step["approx"]);
            let values: Vec<f64> = serde_json::from_value(step["singular_values"].clone()).expect("values");
            fn hold(
                svd: &mut impl UpdateTruncatedSvd,
                op: &str,
                d: &DMatrix<f64>,
                e: &DMatrix<f64>,
                a: &DMatrix<f64>,
                s: &[f64],
            ) {
                apply(svd, op, d, e);
                for (i, s0) in s.iter().enumerate() {
                    let found = svd.singular_values().get(i).copied().unwrap_or(0.0);
                    assert!((found - s0).abs() <= TIGHT * s[0], "value {i}: {found} for {s0}");
                }
                close(&svd.to_dense(), a, s[0], TIGHT);
                assert_sound(&svd.svd(), TIGHT);
            }
            hold(&mut exact, op, &d, &e, &approximation, &values);
            hold(&mut gkl, op, &d, &e, &approximation, &values);
            hold(&mut rpi, op, &d, &e, &approximation, &values);
            hold(&mut zs, op, &d, &e, &approximation, &values);
            hold(&mut vs, op, &d, &e, &approximation, &values);
            hold(&mut yamazaki, op, &d, &e, &approximation, &values);
        }
    }
}

/// [A; E] by blocks of dense matrices.
fn below(a: &DMatrix<f64>, e: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows() + e.nrows(), a.ncols(), |i, j| {
        if i < a.nrows() {
            a[(i, j)]
        } else {
            e[(i - a.nrows(), j)]
        }
    })
}

fn check_step(method: impl Augmentation, seed: u64, k: usize, q: usize, kind: usize) {
    let (m, n) = (14, 12);
    let mut svd = UpdatingSvd::start(&sparse(m, n, 0.4, seed), k, method).expect("valid");
    for step in 0..4u64 {
        let old = svd.to_dense();
        let (rows, cols) = old.shape();
        let s_old = svd.singular_values().to_vec();
        let (new, report, added) = match (kind + step as usize) % 3 {
            0 => {
                let e = sparse(q, cols, 0.4, seed ^ (step + 1) << 8);
                (
                    below(&old, &e.to_dense()),
                    svd.add_rows(&e).expect("valid"),
                    Some(e.norm_squared()),
                )
            }
            1 => {
                let e = sparse(rows, q, 0.4, seed ^ (step + 1) << 8);
                let new = below(&old.transpose(), &e.to_dense().transpose()).transpose();
                (new, svd.add_columns(&e).expect("valid"), Some(e.norm_squared()))
            }
            _ => {
                let (d, e) = (
                    sparse(rows, q, 0.3, seed ^ (step + 1) << 9),
                    sparse(cols, q, 0.3, seed ^ (step + 1) << 10),
                );
                (
                    &old + d.to_dense() * e.to_dense().transpose(),
                    svd.add_low_rank(&d, &e).expect("valid"),
                    None,
                )
            }
        };
        let (values, target) = best(&new, k);
        // A truncated SVD is as well determined as its gap: the error of the product against the optimal error is not.
        let error = (&new - svd.to_dense()).norm_squared();
        let optimal = (&new - target).norm_squared();
        let total = new.norm_squared();
        assert!((error - optimal).abs() <= TIGHT * total, "error {error} for {optimal}");
        assert!((report.discarded_energy - optimal).abs() <= TIGHT * total);
        for (s, t) in svd.singular_values().iter().zip(&values) {
            assert!((s - t).abs() <= TIGHT * values[0], "{s} for {t}");
        }
        assert_sound(&svd.svd(), TIGHT);
        if let Some(added) = added {
            for (s, t) in s_old.iter().zip(svd.singular_values()) {
                assert!(*t >= s - TIGHT * values[0] && t * t <= s * s + added * (1.0 + TIGHT));
            }
        }
    }
}

proptest! {
    #[test]
    fn exact_methods_meet_the_specification(seed in any::<u64>(), k in 1usize..9, q in 1usize..7, kind in 0usize..3) {
        check_step(Exact, seed, k, q, kind);
    }

    #[test]
    fn approximate_methods_are_exact_when_l_covers_the_rank(seed in any::<u64>(), k in 1usize..9, q in 1usize..6) {
        check_step(Gkl { l: 6 }, seed, k, q, 0);
        check_step(Rpi { l: 6, t: 2 }, seed, k, q, 1);
        check_step(Adaptive { tolerance: 0.0, max_l: 6 }, seed, k, q, 2);
    }

    #[test]
    fn powers_of_two_scale_bit_for_bit(seed in any::<u64>(), power in -300i32..300) {
        let c = 2f64.powi(power);
        let (a, e) = (sparse(15, 11, 0.4, seed), sparse(3, 11, 0.5, seed ^ 1));
        let run = |c: f64| {
            let mut svd = UpdatingSvd::start(&a.scaled(c).unwrap(), 4, Exact).unwrap();
            svd.add_rows(&e.scaled(c).unwrap()).unwrap();
            svd
        };
        let (one, scaled) = (run(1.0), run(c));
        for (s, t) in one.singular_values().iter().zip(scaled.singular_values()) {
            prop_assert_eq!(s * c, *t);
        }
    }

    #[test]
    fn transposing_swaps_rows_and_columns(seed in any::<u64>(), q in 1usize..5) {
        let (a, e) = (sparse(15, 11, 0.4, seed), sparse(q, 11, 0.5, seed ^ 1));
        let mut rows = UpdatingSvd::start(&a, 4, Exact).unwrap();
        let svd = rows.svd();
        let turned = TruncatedSvd { u: svd.v, s: svd.s, v: svd.u };
        let mut cols = UpdatingSvd::from_svd(&turned, 4, Exact, UpdateOptions::default()).unwrap();
        rows.add_rows(&e).unwrap();
        cols.add_columns(&e.transpose()).unwrap();
        close(&rows.to_dense(), &cols.to_dense().transpose(), rows.singular_values()[0], TIGHT);
    }

    #[test]
    fn nothing_is_lost_within_the_rank(seed in any::<u64>()) {
        // rank 2 + at most 2 new directions within k = 5: equals the SVD of the whole.
        let (a, e) = (of_rank(12, 10, 2, seed), of_rank(3, 10, 2, seed ^ 7));
        prop_assume!(a.norm() > 0.0);
        let mut svd = UpdatingSvd::start(&csr(&a), 5, Exact).unwrap();
        svd.add_rows(&csr(&e)).unwrap();
        let whole = below(&a, &e);
        close(&svd.to_dense(), &whole, whole.norm(), TIGHT);
        prop_assert!(svd.error_bound() <= 1e-6 * whole.norm());
        // Rows, then columns = columns, then rows.
        let c = DMatrix::from_fn(12, 1, |i, _| (i % 3) as f64);
        let (mut first, mut second) = (UpdatingSvd::start(&csr(&a), 6, Exact).unwrap(), UpdatingSvd::start(&csr(&a), 6, Exact).unwrap());
        first.add_rows(&csr(&e)).unwrap();
        let longer = below(&c, &DMatrix::zeros(3, 1));
        first.add_columns(&csr(&longer)).unwrap();
        second.add_columns(&csr(&c)).unwrap();
        let wider = DMatrix::from_fn(3, 11, |i, j| if j < 10 { e[(i, j)] } else { 0.0 });
        second.add_rows(&csr(&wider)).unwrap();
        close(&first.to_dense(), &second.to_dense(), whole.norm() + c.norm(), TIGHT);
    }

    #[test]
    fn changes_deletions_and_forgetting(seed in any::<u64>(), i in 0usize..12, j in 0usize..10, delta in -3.0f64..3.0) {
        let a = sparse(12, 10, 0.5, seed);
        let mut svd = UpdatingSvd::start(&a, 9, Exact).unwrap();
        let mut dense = svd.to_dense();
        svd.change_entries(&[(i, j, delta)]).unwrap();
        dense[(i, j)] += delta;
        let scale = dense.norm().max(1e-300);
        let (_, target) = best(&dense, 9);
        prop_assert!(((&dense - svd.to_dense()).norm() - (&dense - target).norm()).abs() <= TIGHT * scale);
        // Add a row and take it away again: everything fits rank 10 but for the truncation already paid.
        let before = svd.to_dense();
        let mut wide = UpdatingSvd::from_svd(&svd.svd(), 10, Exact, UpdateOptions::default()).unwrap();
        wide.add_rows(&sparse(1, 10, 0.6, seed ^ 5)).unwrap();
        let report = wide.remove_rows(&[12]).unwrap();
        prop_assert_eq!(wide.nrows(), 12);
        prop_assert!(report.rank <= 10);
        close(&wide.to_dense(), &before, scale, 8.0 * TIGHT);
        assert_sound(&wide.svd(), TIGHT);
        // Removing a column of A_k leaves the other columns.
        let mut narrow = wide.clone();
        narrow.remove_columns(&[j]).unwrap();
        close(&narrow.to_dense(), &before.clone().remove_column(j), scale, 8.0 * TIGHT);
        // Forgetting: 1 keeps everything, 0 leaves only what comes after.
        wide.forget(1.0).unwrap();
        close(&wide.to_dense(), &before, scale, 8.0 * TIGHT);
        wide.forget(0.0).unwrap();
        prop_assert!(wide.singular_values().is_empty());
        let e = sparse(2, 10, 0.6, seed ^ 6);
        wide.add_rows(&e).unwrap();
        close(&wide.to_dense(), &below(&DMatrix::zeros(12, 10), &e.to_dense()), 1.0 + e.norm_squared(), TIGHT);
    }

    #[test]
    fn lazy_rows_permutations_zero_rows_and_copies(seed in any::<u64>()) {
        let a = sparse(15, 11, 0.4, seed);
        let mut svd = UpdatingSvd::start(&a, 5, Exact).unwrap();
        prop_assume!(svd.singular_values().len() == 5);
        let s0 = svd.singular_values().to_vec();
        // A zero row changes nothing but the length of U.
        let mut zero = svd.clone();
        zero.add_rows(&Csr::zeros(1, 11)).unwrap();
        for (s, t) in s0.iter().zip(zero.singular_values()) {
            prop_assert!((s - t).abs() <= TIGHT * s0[0]);
        }
        prop_assert!(zero.u_row(15).unwrap().iter().all(|x| *x == 0.0));
        // A_k's own rows again: sqrt(2).
        let mut copy = svd.clone();
        copy.add_rows(&csr(&svd.to_dense())).unwrap();
        for (s, t) in s0.iter().zip(copy.singular_values()) {
            prop_assert!((s * 2f64.sqrt() - t).abs() <= TIGHT * s0[0]);
        }
        // Permuted rows give permuted rows of U.
        let e = sparse(3, 11, 0.5, seed ^ 3).to_dense();
        let turned = DMatrix::from_fn(3, 11, |i, j| e[((i + 1) % 3, j)]);
        let mut other = svd.clone();
        svd.add_rows(&csr(&e)).unwrap();
        other.add_rows(&csr(&turned)).unwrap();
        let (x, y) = (svd.to_dense(), other.to_dense());
        for i in 0..3 {
            let error = (x.row(15 + (i + 1) % 3) - y.row(15 + i)).norm();
            prop_assert!(error <= TIGHT * s0[0] / gap(&svd), "{error}");
        }
        // Rows on demand, and a rebase that changes nothing.
        let full = svd.svd();
        for i in 0..18 {
            let row = svd.u_row(i).unwrap();
            prop_assert!((0..5).all(|c| (row[c] - full.u[(i, c)]).abs() <= TIGHT));
        }
        svd.rebase().unwrap();
        close(&svd.to_dense(), &full.to_dense(), s0[0], TIGHT);
        prop_assert!(svd.u_row(18).is_none() && svd.v_row(10).is_some());
    }
}

/// Relative distance of the last value kept from zero: what a row's direction can cost.
fn gap(svd: &UpdatingSvd<Exact>) -> f64 {
    let s = svd.singular_values();
    let gaps = s
        .windows(2)
        .map(|w| (w[0] - w[1]) / s[0])
        .fold(s[s.len() - 1] / s[0], f64::min);
    gaps.max(1e-9)
}

#[test]
fn threads_do_not_change_a_bit() {
    let a = sparse(300, 200, 0.05, 4);
    let run = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| {
                let mut svd = UpdatingSvd::start(&a, 12, Rpi { l: 4, t: 2 }).unwrap();
                for step in 0..10 {
                    svd.add_rows(&sparse(9, 200, 0.05, 100 + step)).unwrap();
                }
                svd.rebase().unwrap();
                svd.svd()
            })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn checkpoints_return_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut svd = UpdatingSvd::start(&sparse(40, 30, 0.2, 1), 6, Gkl { l: 3 }).unwrap();
    svd.add_rows(&sparse(5, 30, 0.2, 2)).unwrap();
    svd.save(&path).unwrap();
    let mut back = UpdatingSvd::<Gkl>::load(&path).unwrap();
    assert_eq!(svd.svd(), back.svd());
    let e = sparse(7, 30, 0.2, 3);
    svd.add_rows(&e).unwrap();
    back.add_rows(&e).unwrap();
    assert_eq!(svd.svd(), back.svd());
    // Cut anywhere, or changed anywhere: refused.
    let bytes = std::fs::read(&path).unwrap();
    for cut in [0, 7, 20, 24, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert!(
            matches!(UpdatingSvd::<Gkl>::load(&path), Err(SsvdError::Malformed { .. })),
            "cut at {cut}"
        );
    }
    for at in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        std::fs::write(&path, &changed).unwrap();
        assert!(UpdatingSvd::<Gkl>::load(&path).is_err(), "changed at {at}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(UpdatingSvd::<Gkl>::load(folder.path().join("absent")).is_err());
    // A write that cannot happen leaves the old file.
    assert!(svd.save(folder.path().join("no such folder").join("state")).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
