//! Hostile input of the truncated SVD, item by item: a typed error that names what and where, or the right numbers; and
//! a state that is the same, bit for bit, after a call that failed.

use hadamard_ssvd::*;
use nalgebra::DMatrix;
use proofs_tests::ssvd::*;
use serde::{Deserialize, Serialize};

#[test]
fn matrices_are_validated() {
    let err = |r: Result<Csr>| r.expect_err("refused");
    assert!(matches!(
        err(Csr::new(2, 2, vec![0, 1], vec![0], vec![1.0])),
        SsvdError::Structure(_)
    ));
    assert!(matches!(
        err(Csr::new(1, 2, vec![0, 2], vec![1, 0], vec![1.0, 1.0])),
        SsvdError::Structure(_)
    ));
    assert!(matches!(
        err(Csr::new(1, 2, vec![0, 2], vec![1, 1], vec![1.0, 1.0])),
        SsvdError::Structure(_)
    ));
    assert!(matches!(
        err(Csr::new(2, 2, vec![0, 2, 1], vec![0], vec![1.0])),
        SsvdError::Structure(_)
    ));
    assert!(matches!(
        err(Csr::new(1, 2, vec![0, 1], vec![2], vec![1.0])),
        SsvdError::IndexOutOfRange { col: 2, .. }
    ));
    assert!(matches!(
        err(Csr::new(1, 2, vec![0, 1], vec![1], vec![f64::NAN])),
        SsvdError::NotFinite { col: 1, .. }
    ));
    assert!(matches!(
        err(Csr::from_triplets(2, 2, [(2, 0, 1.0)])),
        SsvdError::IndexOutOfRange { row: 2, .. }
    ));
    assert!(matches!(
        err(Csr::from_triplets(1, 1, [(0, 0, 1e308), (0, 0, 1e308)])),
        SsvdError::NotFinite { .. }
    ));
    let a = sparse(6, 5, 0.5, 1);
    assert!(matches!(
        lanczos(&a, 0, &LanczosOptions::default()),
        Err(SsvdError::Rank { k: 0, .. })
    ));
    assert!(matches!(
        lanczos(&a, 6, &LanczosOptions::default()),
        Err(SsvdError::Rank { k: 6, .. })
    ));
    let bad = LanczosOptions {
        tolerance: f64::NAN,
        ..LanczosOptions::default()
    };
    assert!(matches!(
        lanczos(&a, 2, &bad),
        Err(SsvdError::Option { name: "tolerance", .. })
    ));
    let nan = FnOperator::new(
        9,
        9,
        |_: &[f64], _, y: &mut [f64]| y.fill(f64::NAN),
        |_: &[f64], _, y: &mut [f64]| y.fill(0.0),
    );
    assert!(matches!(
        lanczos(&nan, 2, &LanczosOptions::default()),
        Err(SsvdError::NotFinite { .. })
    ));
    assert_eq!(
        lanczos(&Csr::zeros(9, 9), 2, &LanczosOptions::default()).unwrap().svd.s,
        [0.0; 0]
    );
}

#[test]
fn impossible_shapes_are_refused_by_name() {
    for rows in [usize::MAX, usize::MAX - 1, usize::MAX / 8] {
        assert!(matches!(
            Csr::from_triplets(rows, 1, []),
            Err(SsvdError::TooLarge { count, .. }) if count == rows
        ));
        let mut svd = UpdatingSvd::start(&sparse(9, 8, 0.5, 1), 3, Exact).unwrap();
        assert!(matches!(svd.append_empty(rows, 0), Err(SsvdError::TooLarge { .. })));
        assert!(matches!(svd.append_empty(2, rows), Err(SsvdError::TooLarge { .. })));
        assert_eq!((svd.nrows(), svd.ncols()), (9, 8));
        // Compressed rows may have any number of columns; vectors of that length may not.
        let wide = Csr::from_triplets(3, rows, [(0, 5, 1.0), (1, rows - 1, 2.0)]).unwrap();
        let too_large = |found: Result<SolveReport>| matches!(found, Err(SsvdError::TooLarge { .. }));
        assert!(too_large(lanczos(&wide, 2, &LanczosOptions::default())));
        assert!(too_large(block_krylov(&wide, 2, &KrylovOptions::default())));
        assert!(too_large(subspace_iteration(&wide, 2, &SubspaceOptions::default())));
        assert!(matches!(
            UpdatingSvd::start(&wide, 2, Exact),
            Err(SsvdError::TooLarge { .. })
        ));
        assert!(matches!(wide.try_transpose(), Err(SsvdError::TooLarge { .. })));
        let columns = Csr::from_triplets(9, rows, [(3, 7, 1.0)]).unwrap();
        assert!(matches!(svd.add_columns(&columns), Err(SsvdError::TooLarge { .. })));
    }
}

/// All bits of a state.
fn bits<M: Augmentation + Serialize + for<'a> Deserialize<'a>>(svd: &UpdatingSvd<M>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    svd.save(folder.path().join("state")).unwrap();
    std::fs::read(folder.path().join("state")).unwrap()
}

/// Every call that can be refused, by every sparse method.
#[test]
fn refused_updates_change_no_bit() {
    fn hold<M: Augmentation + Serialize + for<'a> Deserialize<'a>>(method: M) {
        let mut svd = UpdatingSvd::start(&sparse(20, 15, 0.3, 2), 4, method).unwrap();
        svd.add_rows(&sparse(3, 15, 0.3, 3)).unwrap();
        let before = bits(&svd);
        // Shapes.
        assert!(matches!(svd.add_rows(&Csr::zeros(2, 14)), Err(SsvdError::Shape { .. })));
        assert!(matches!(
            svd.add_columns(&Csr::zeros(22, 1)),
            Err(SsvdError::Shape { .. })
        ));
        assert!(matches!(
            svd.add_low_rank(&Csr::zeros(23, 2), &Csr::zeros(15, 3)),
            Err(SsvdError::Shape { .. })
        ));
        assert!(matches!(
            svd.add_low_rank(&Csr::zeros(22, 2), &Csr::zeros(15, 2)),
            Err(SsvdError::Shape { .. })
        ));
        // Indices and numbers.
        assert!(matches!(
            svd.change_entries(&[(0, 0, 1.0), (23, 0, 1.0)]),
            Err(SsvdError::IndexOutOfRange { row: 23, .. })
        ));
        assert!(matches!(
            svd.change_entries(&[(0, 15, 1.0)]),
            Err(SsvdError::IndexOutOfRange { col: 15, .. })
        ));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(
                svd.change_entries(&[(2, 3, bad)]),
                Err(SsvdError::NotFinite { row: 2, col: 3, .. })
            ));
            assert!(matches!(
                svd.extend_rows([[(3, bad)]], 1),
                Err(SsvdError::NotFinite { col: 3, .. })
            ));
        }
        assert!(matches!(
            svd.extend_rows([[(15, 1.0)]], 1),
            Err(SsvdError::IndexOutOfRange { col: 15, .. })
        ));
        assert!(matches!(
            svd.extend_rows([[(1, 1.0)]], 0),
            Err(SsvdError::Option { name: "batch", .. })
        ));
        assert!(matches!(
            svd.remove_rows(&[0, 23]),
            Err(SsvdError::IndexOutOfRange { row: 23, .. })
        ));
        assert!(matches!(
            svd.remove_columns(&[15]),
            Err(SsvdError::IndexOutOfRange { col: 15, .. })
        ));
        assert!(matches!(
            svd.clear_rows(&[99]),
            Err(SsvdError::IndexOutOfRange { row: 99, .. })
        ));
        assert!(matches!(
            svd.clear_columns(&[99]),
            Err(SsvdError::IndexOutOfRange { col: 99, .. })
        ));
        for bad in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(svd.forget(bad), Err(SsvdError::Option { name: "lambda", .. })));
        }
        // Values beyond the range of f64: entries are finite, norms are not.
        let huge = Csr::from_triplets(2, 15, (0..15).flat_map(|j| [(0, j, f64::MAX), (1, j, -f64::MAX)])).unwrap();
        assert!(matches!(svd.add_rows(&huge), Err(SsvdError::Factorisation(_))));
        let huge = Csr::from_triplets(23, 2, (0..23).flat_map(|i| [(i, 0, f64::MAX), (i, 1, f64::MAX)])).unwrap();
        assert!(matches!(svd.add_columns(&huge), Err(SsvdError::Factorisation(_))));
        let wide = Csr::from_triplets(15, 2, [(0, 0, 1e200), (3, 1, 1e200)]).unwrap();
        assert!(matches!(
            svd.add_low_rank(&huge, &wide),
            Err(SsvdError::Factorisation(_))
        ));
        assert!(matches!(
            svd.change_entries(&[(0, 1, f64::MAX), (0, 2, f64::MAX)]),
            Err(SsvdError::Factorisation(_))
        ));
        assert_eq!(bits(&svd), before);
        // Questions are refused as well.
        assert!(svd.top_entries(23, 1, |_| true).is_err() && svd.similar_rows(23, 1, Similarity::Cosine).is_err());
        assert!(svd.project_rows(&Csr::zeros(1, 14)).is_err() && svd.project_columns(&Csr::zeros(22, 1)).is_err());
        // And it goes on.
        svd.add_rows(&sparse(2, 15, 0.3, 4)).unwrap();
        assert_sound(&svd.svd(), TIGHT);
    }
    hold(Exact);
    hold(Gkl { l: 3 });
    hold(Rpi { l: 3, t: 2 });
    let adaptive = Adaptive {
        tolerance: 1e-3,
        max_l: 3,
    };
    hold(adaptive);
}

/// The dense baselines refuse the same and stay the same, their random numbers included.
#[test]
fn refused_dense_updates_change_nothing() {
    let start = lanczos(&sparse(20, 15, 0.3, 2), 4, &LanczosOptions::default())
        .unwrap()
        .svd;
    for method in [
        DenseMethod::ZhaSimon,
        DenseMethod::VecharynskiSaad { l: 2 },
        DenseMethod::Yamazaki { l: 2, t: 2 },
    ] {
        let mut one = DenseUpdating::new(start.clone(), 4, method, 7).unwrap();
        let mut other = one.clone();
        assert!(one.add_rows(&Csr::zeros(2, 14)).is_err() && one.add_columns(&Csr::zeros(19, 2)).is_err());
        assert!(one.change_entries(&[(20, 0, 1.0)]).is_err() && one.forget(f64::NAN).is_err());
        let huge = Csr::from_triplets(2, 15, (0..15).map(|j| (j % 2, j, f64::MAX))).unwrap();
        assert!(matches!(one.add_rows(&huge), Err(SsvdError::Factorisation(_))));
        assert_eq!(one.svd(), other.svd());
        let e = sparse(5, 15, 0.4, 3);
        one.add_rows(&e).unwrap();
        other.add_rows(&e).unwrap();
        assert_eq!(one.svd(), other.svd());
    }
    let dense = |svd: TruncatedSvd, k, method| DenseUpdating::new(svd, k, method, 1);
    assert!(matches!(
        dense(start.clone(), 3, DenseMethod::ZhaSimon),
        Err(SsvdError::Shape { .. })
    ));
    assert!(matches!(
        dense(start.clone(), 4, DenseMethod::Yamazaki { l: 0, t: 1 }),
        Err(SsvdError::Option { .. })
    ));
    let mut nan = start.clone();
    nan.v[(3, 1)] = f64::NAN;
    assert!(matches!(
        dense(nan, 4, DenseMethod::ZhaSimon),
        Err(SsvdError::NotFinite { row: 3, col: 1, .. })
    ));
}

/// Decompositions that are none.
#[test]
fn starts_are_validated() {
    let a = sparse(20, 15, 0.3, 2);
    let good = lanczos(&a, 4, &LanczosOptions::default()).unwrap().svd;
    let from = |svd: &TruncatedSvd, k| UpdatingSvd::from_svd(svd, k, Exact, UpdateOptions::default()).map(|_| ());
    assert!(from(&good, 4).is_ok() && from(&good, 9).is_ok());
    assert!(matches!(from(&good, 3), Err(SsvdError::Shape { .. })));
    assert!(matches!(from(&good, 0), Err(SsvdError::Shape { .. })));
    let with = |change: &dyn Fn(&mut TruncatedSvd)| {
        let mut svd = good.clone();
        change(&mut svd);
        from(&svd, 4)
    };
    assert!(matches!(
        with(&|x| x.u[(2, 1)] = f64::NAN),
        Err(SsvdError::NotFinite { row: 2, col: 1, .. })
    ));
    assert!(matches!(
        with(&|x| x.v[(1, 3)] = f64::INFINITY),
        Err(SsvdError::NotFinite { row: 1, col: 3, .. })
    ));
    assert!(matches!(with(&|x| x.u[(2, 1)] += 0.1), Err(SsvdError::Structure(_))));
    for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e9] {
        assert!(matches!(with(&|x| x.s[2] = bad), Err(SsvdError::Structure(_))), "{bad}");
    }
    assert!(matches!(with(&|x| x.s.truncate(3)), Err(SsvdError::Shape { .. })));
    // Ranks and options.
    for k in [0, 16, usize::MAX] {
        assert!(
            matches!(UpdatingSvd::start(&a, k, Exact), Err(SsvdError::Rank { .. })),
            "{k}"
        );
        assert!(matches!(
            subspace_iteration(&a, k, &SubspaceOptions::default()),
            Err(SsvdError::Rank { .. })
        ));
        assert!(matches!(
            block_krylov(&a, k, &KrylovOptions::default()),
            Err(SsvdError::Rank { .. })
        ));
    }
    assert!(matches!(
        UpdatingSvd::empty(3, 3, 0, Exact),
        Err(SsvdError::Rank { .. })
    ));
    let svd = UpdatingSvd::start(&a, 4, Exact).unwrap();
    assert!(matches!(svd.clone().with_rank(0), Err(SsvdError::Rank { .. })));
    assert!(matches!(
        svd.clone().with_method(Gkl { l: 0 }),
        Err(SsvdError::Option { name: "l", .. })
    ));
    assert!(matches!(
        svd.clone().with_method(Rpi { l: 1, t: 0 }),
        Err(SsvdError::Option { name: "t", .. })
    ));
    for tolerance in [f64::NAN, -1.0, 1.0] {
        let method = Adaptive { tolerance, max_l: 3 };
        assert!(matches!(
            svd.clone().with_method(method),
            Err(SsvdError::Option { name: "tolerance", .. })
        ));
    }
    for (condition_limit, drift_limit) in [(f64::NAN, 1e-10), (0.5, 1e-10), (1e4, f64::NAN), (1e4, -1.0)] {
        let options = UpdateOptions {
            condition_limit,
            drift_limit,
            seed: 0,
        };
        assert!(matches!(
            svd.clone().with_options(options),
            Err(SsvdError::Option { .. })
        ));
    }
    // Standardising numbers.
    assert!(matches!(
        Standardized::new(&a, vec![0.0; 14], vec![1.0; 15]),
        Err(SsvdError::Shape { .. })
    ));
    let mut shift = vec![0.0; 15];
    shift[4] = f64::NAN;
    assert!(matches!(
        Standardized::new(&a, shift, vec![1.0; 15]),
        Err(SsvdError::NotFinite { col: 4, .. })
    ));
}

/// Triplets in any order, with duplicates that cancel or are zero.
#[test]
fn unsorted_and_duplicate_entries() {
    let a = Csr::from_triplets(3, 4, [(2, 3, 1.0), (0, 1, 2.0), (2, 0, 4.0), (0, 1, -2.0), (2, 3, 0.5)]).unwrap();
    assert_eq!(
        a.triplets().collect::<Vec<_>>(),
        [(0, 1, 0.0), (2, 0, 4.0), (2, 3, 1.5)]
    );
    let mut one = UpdatingSvd::start(&sparse(9, 4, 0.6, 1), 3, Exact).unwrap();
    let mut other = one.clone();
    one.add_rows(&a).unwrap();
    other
        .add_rows(&Csr::from_triplets(3, 4, [(2, 0, 4.0), (2, 3, 1.5)]).unwrap())
        .unwrap();
    for (s, t) in one.singular_values().iter().zip(other.singular_values()) {
        assert!((s - t).abs() <= TIGHT * s);
    }
}

/// Rank zero: a matrix of zeros, an empty one, one without rows or columns; then data arrive.
#[test]
fn rank_zero_and_empty_batches() {
    let zero = UpdatingSvd::start(&Csr::zeros(6, 5), 3, Exact).unwrap();
    assert_eq!(
        (
            zero.singular_values().len(),
            zero.explained_energy(),
            zero.error_bound()
        ),
        (0, 1.0, 0.0)
    );
    for mut svd in [zero, UpdatingSvd::empty(6, 5, 3, Exact).unwrap()] {
        svd.add_rows(&Csr::zeros(2, 5)).unwrap();
        svd.add_low_rank(&Csr::zeros(8, 2), &Csr::zeros(5, 2)).unwrap();
        svd.rebase().unwrap();
        svd.forget(0.5).unwrap();
        assert!(svd.singular_values().is_empty() && svd.to_dense() == DMatrix::zeros(8, 5));
        svd.change_entries(&[(7, 4, 3.0)]).unwrap();
        assert!((svd.singular_values()[0] - 3.0).abs() < 1e-15 && svd.singular_values().len() == 1);
        let row = sparse(1, 5, 0.9, 3);
        svd.add_rows(&row).unwrap();
        assert!((svd.entry(8, 0).unwrap() - row.to_dense()[(0, 0)]).abs() < 1e-14);
        svd.remove_rows(&(0..9).collect::<Vec<_>>()).unwrap();
        assert_eq!((svd.nrows(), svd.singular_values().len()), (0, 0));
        svd.add_rows(&row).unwrap();
        assert!((svd.singular_values()[0] - row.norm()).abs() < 1e-14);
    }
    let mut svd = UpdatingSvd::empty(0, 0, 2, Exact).unwrap();
    svd.add_columns(&Csr::zeros(0, 3)).unwrap();
    svd.add_rows(&Csr::from_triplets(1, 3, [(0, 2, 2.0)]).unwrap()).unwrap();
    assert_eq!((svd.nrows(), svd.ncols(), svd.singular_values()), (1, 3, &[2.0][..]));
    // Batches of nothing: values stay, no direction comes.
    let mut svd = UpdatingSvd::start(&sparse(20, 15, 0.3, 2), 4, Gkl { l: 3 }).unwrap();
    let before = svd.singular_values().to_vec();
    let reports = [
        svd.add_rows(&Csr::zeros(0, 15)).unwrap(),
        svd.add_columns(&Csr::zeros(20, 0)).unwrap(),
        svd.add_low_rank(&Csr::zeros(20, 0), &Csr::zeros(15, 0)).unwrap(),
        svd.change_entries(&[]).unwrap(),
        svd.remove_rows(&[]).unwrap(),
        svd.clear_columns(&[]).unwrap(),
    ];
    assert!(
        reports
            .iter()
            .all(|r| r.directions == 0 && r.discarded_energy == 0.0 && r.rank == 4)
    );
    assert!(svd.extend_rows(Vec::<Vec<(usize, f64)>>::new(), 8).unwrap().is_empty());
    assert!(
        svd.singular_values()
            .iter()
            .zip(&before)
            .all(|(s, t)| (s - t).abs() <= TIGHT * before[0])
    );
}

/// Matrices whose entries are all near 1e-150, 1e150 or beyond: squares leave the range of f64, results do not.
#[test]
fn entries_of_any_size() {
    for kind in [0, 2, 4, 6] {
        let (a, e) = (nasty(kind, 90, 80, 5), nasty(kind, 4, 80, 6));
        // Enough columns for the restarted route of every solver.
        let lanczos_options = LanczosOptions {
            block: 2,
            basis: 30,
            ..LanczosOptions::default()
        };
        let reference = lanczos(&a, 5, &lanczos_options).unwrap().svd.s;
        let updated = |scale: f64| {
            let mut svd = UpdatingSvd::start(&a.scaled(scale).unwrap(), 5, Exact).unwrap();
            svd.add_rows(&e.scaled(scale).unwrap()).unwrap();
            svd.change_entries(&[(3, 4, 2.0 * scale)]).unwrap();
            svd.remove_rows(&[1]).unwrap();
            assert_sound(&svd.svd(), TIGHT);
            (
                svd.singular_values().to_vec(),
                svd.error_bound(),
                svd.explained_energy(),
            )
        };
        let plain = updated(1.0);
        for scale in [1e-300, 1e-200, 1e-150, 1e-100, 1e100, 1e150, 1e200, 1e300] {
            let scaled = a.scaled(scale).unwrap();
            let krylov = KrylovOptions {
                oversampling: 3,
                ..KrylovOptions::default()
            };
            let subspace = SubspaceOptions {
                tolerance: 1e-9,
                iterations: 5000,
                ..SubspaceOptions::default()
            };
            for report in [
                lanczos(&scaled, 5, &lanczos_options).unwrap(),
                lanczos(&scaled.to_dense(), 5, &LanczosOptions::default()).unwrap(),
                block_krylov(&scaled, 5, &krylov).unwrap(),
                subspace_iteration(&scaled, 5, &subspace).unwrap(),
            ] {
                assert!(report.converged, "{scale:e}");
                assert_sound(&report.svd, 1e-13);
                for (s, t) in report.svd.s.iter().zip(&reference) {
                    assert!(
                        (s / scale - t).abs() <= 1e-12 * reference[0],
                        "{scale:e}: {} for {t}",
                        s / scale
                    );
                }
                let error = report.svd.frobenius_error(&scaled).unwrap() / scale;
                let expected = (a.norm_squared() - reference.iter().map(|s| s * s).sum::<f64>())
                    .max(0.0)
                    .sqrt();
                assert!(
                    (error - expected).abs() <= TIGHT.sqrt() * a.norm(),
                    "{scale:e}: {error:e} for {expected:e}"
                );
            }
            let (values, bound, explained) = updated(scale);
            for (s, t) in values.iter().zip(&plain.0) {
                assert!((s / scale - t).abs() <= TIGHT * plain.0[0], "{scale:e}");
            }
            assert!((bound / scale - plain.1).abs() <= TIGHT.sqrt() * a.norm(), "{scale:e}");
            assert!((explained - plain.2).abs() <= TIGHT, "{scale:e}");
        }
    }
}

/// Columns of scale 1e-150, 1 and 1e150 in one matrix: what is above rounding of the largest is right, the rest is zero.
#[test]
fn columns_of_extreme_scale() {
    let mixed = |m: usize, seed: u64| {
        let scale = |j: usize| [1e-150, 1e150, 1.0][j % 3];
        let plain = sparse(m, 60, 0.3, seed);
        Csr::from_triplets(m, 60, plain.triplets().map(|(i, j, x)| (i, j, x * scale(j)))).unwrap()
    };
    let (a, e) = (mixed(70, 1), mixed(5, 2));
    let large = |a: &Csr| {
        let of = a
            .triplets()
            .filter(|t| t.1 % 3 == 1)
            .map(|(i, j, x)| (i, j, x * 1e-150));
        Csr::from_triplets(a.nrows(), 60, of).unwrap().to_dense()
    };
    let (values, _) = best(&large(&a), 4);
    let krylov = KrylovOptions {
        oversampling: 2,
        basis: 30,
        ..KrylovOptions::default()
    };
    let options = LanczosOptions {
        block: 2,
        basis: 24,
        ..LanczosOptions::default()
    };
    for report in [
        lanczos(&a, 4, &options).unwrap(),
        lanczos(&a, 4, &LanczosOptions::default()).unwrap(),
        block_krylov(&a, 4, &krylov).unwrap(),
        subspace_iteration(
            &a,
            4,
            &SubspaceOptions {
                iterations: 3000,
                ..SubspaceOptions::default()
            },
        )
        .unwrap(),
    ] {
        assert!(report.converged);
        assert_sound(&report.svd, 1e-13);
        assert!(
            report
                .svd
                .s
                .iter()
                .zip(&values)
                .all(|(s, t)| (s * 1e-150 - t).abs() <= 1e-11 * values[0])
        );
    }
    fn hold(mut svd: impl UpdateTruncatedSvd, e: &Csr, large: &dyn Fn(&Csr) -> DMatrix<f64>) {
        let old = svd.to_dense() * 1e-150;
        svd.add_rows(e).unwrap();
        let (values, _) = best(&below(&old, &large(e)), 4);
        let found = svd.singular_values();
        assert!(
            found
                .iter()
                .zip(&values)
                .all(|(s, t)| (s * 1e-150 - t).abs() <= TIGHT * values[0]),
            "{found:?}"
        );
        assert_sound(&svd.svd(), TIGHT);
        // A column of small entries, and entries of both kinds changed.
        let small = Csr::from_triplets(75, 1, (0..75).map(|i| (i, 0, 1e-150))).unwrap();
        svd.add_columns(&small).unwrap();
        svd.change_entries(&[(0, 0, 1e-150), (1, 1, 1e150)]).unwrap();
        assert_sound(&svd.svd(), TIGHT);
    }
    hold(UpdatingSvd::start(&a, 4, Exact).unwrap(), &e, &large);
    hold(UpdatingSvd::start(&a, 4, Gkl { l: 6 }).unwrap(), &e, &large);
    hold(UpdatingSvd::start(&a, 4, Rpi { l: 6, t: 2 }).unwrap(), &e, &large);
    let all = Adaptive {
        tolerance: 0.0,
        max_l: 6,
    };
    hold(UpdatingSvd::start(&a, 4, all).unwrap(), &e, &large);
    let start = lanczos(&a, 4, &LanczosOptions::default()).unwrap().svd;
    for method in [
        DenseMethod::ZhaSimon,
        DenseMethod::VecharynskiSaad { l: 6 },
        DenseMethod::Yamazaki { l: 6, t: 2 },
    ] {
        hold(DenseUpdating::new(start.clone(), 4, method, 1).unwrap(), &e, &large);
    }
}
