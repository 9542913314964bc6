//! The static solver against dense SVDs, readers, and hostile input of the whole wing.

use hadamard_ssvd::*;
use nalgebra::DMatrix;
use proofs_tests::ssvd::*;
use proptest::prelude::*;

/// Small bases, so that small matrices take the restarted route too.
fn restarted(block: usize, basis: usize) -> LanczosOptions {
    LanczosOptions {
        block,
        basis,
        tolerance: 1e-12,
        ..LanczosOptions::default()
    }
}

proptest! {
    #[test]
    fn lanczos_agrees_with_dense(seed in any::<u64>(), k in 1usize..7, block in 1usize..5) {
        let a = sparse(70, 60, 0.15, seed);
        let report = lanczos(&a, k, &restarted(block, 24)).unwrap();
        prop_assert!(report.converged, "{:?}", report.residuals);
        let (values, _) = best(&a.to_dense(), k);
        for (s, t) in report.svd.s.iter().zip(&values) {
            prop_assert!((s - t).abs() <= 1e-11 * values[0], "{s} for {t}");
        }
        assert_sound(&report.svd, 1e-13);
        let residuals = report.svd.residuals(&a).unwrap();
        // The tolerance and the rounding of products of 70 terms.
        prop_assert!(residuals.iter().all(|r| *r <= (1e-12 + 1e-13) * values[0]), "{residuals:?}");
    }

    #[test]
    fn low_rank_gives_fewer_triplets(seed in any::<u64>(), rank in 0usize..5) {
        let a = of_rank(80, 70, rank, seed);
        let (values, _) = best(&a, 1);
        let true_rank = values.iter().filter(|s| **s > 1e-12 * values[0]).count();
        let report = lanczos(&Csr::from_dense(&a).unwrap(), 8, &restarted(2, 20)).unwrap();
        prop_assert_eq!(report.svd.s.len(), true_rank);
        prop_assert!((report.svd.to_dense() - &a).norm() <= 1e-12 * (1.0 + a.norm()));
    }
}

/// A pass of Gram-Schmidt that removes more than it leaves amplifies the loss of orthogonality it starts from, and
/// twenty restarts with single vectors make that visible.
#[test]
fn restarts_do_not_lose_digits() {
    let a = sparse(70, 60, 0.15, 12_849_790_493_792_088_172);
    for (block, basis) in [(1, 20), (1, 24), (2, 24), (4, 24)] {
        let options = LanczosOptions {
            tolerance: 0.0,
            restarts: 20,
            ..restarted(block, basis)
        };
        let report = lanczos(&a, 5, &options).unwrap();
        assert_sound(&report.svd, 1e-13);
        let residuals = report.svd.residuals(&a).unwrap();
        assert!(residuals.iter().all(|r| *r <= 1e-13 * report.svd.s[0]), "{residuals:?}");
    }
}

#[test]
fn operators_agree() {
    let a = sparse(50, 40, 0.2, 3);
    let dense = a.to_dense();
    let both = CsrCsc::from(a.clone());
    let closure = FnOperator::new(
        50,
        40,
        |x: &[f64], w, y: &mut [f64]| a.apply(x, w, y),
        |x: &[f64], w, y: &mut [f64]| {
            a.apply_transpose(x, w, y);
        },
    );
    let options = restarted(3, 18);
    let reference = lanczos(&a, 4, &options).unwrap().svd.s;
    let others = [
        lanczos(&dense, 4, &options),
        lanczos(&both, 4, &options),
        lanczos(&closure, 4, &options),
    ];
    for other in others {
        for (s, t) in other.unwrap().svd.s.iter().zip(&reference) {
            assert!((s - t).abs() <= 1e-12 * reference[0]);
        }
    }
    // Centring: the SVD of the dense centred matrix.
    let means = dense.row_mean();
    let centred = DMatrix::from_fn(50, 40, |i, j| dense[(i, j)] - means[j]);
    let (values, _) = best(&centred, 4);
    let found = lanczos(&Standardized::centered(&a).unwrap(), 4, &options)
        .unwrap()
        .svd
        .s;
    assert!(
        found
            .iter()
            .zip(&values)
            .all(|(s, t)| (s - t).abs() <= 1e-12 * values[0])
    );
}

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
fn refused_updates_change_nothing() {
    let mut svd = UpdatingSvd::start(&sparse(20, 15, 0.3, 2), 4, Exact).unwrap();
    let before = svd.svd();
    assert!(matches!(svd.add_rows(&Csr::zeros(2, 14)), Err(SsvdError::Shape { .. })));
    assert!(matches!(
        svd.add_columns(&Csr::zeros(19, 1)),
        Err(SsvdError::Shape { .. })
    ));
    assert!(svd.add_low_rank(&Csr::zeros(20, 2), &Csr::zeros(15, 3)).is_err());
    assert!(svd.change_entries(&[(20, 0, 1.0)]).is_err() && svd.change_entries(&[(0, 0, f64::INFINITY)]).is_err());
    assert!(svd.remove_rows(&[20]).is_err() && svd.forget(1.5).is_err() && svd.forget(f64::NAN).is_err());
    assert_eq!(svd.svd(), before);
    // Empty batches are updates by nothing.
    svd.add_rows(&Csr::zeros(0, 15)).unwrap();
    svd.add_low_rank(&Csr::zeros(20, 0), &Csr::zeros(15, 0)).unwrap();
    svd.change_entries(&[]).unwrap();
    assert!(
        svd.singular_values()
            .iter()
            .zip(&before.s)
            .all(|(s, t)| (s - t).abs() <= 1e-14 * before.s[0])
    );
    assert!(UpdatingSvd::start(&sparse(9, 9, 0.5, 1), 2, Gkl { l: 0 }).is_err());
    assert!(UpdatingSvd::start(&sparse(9, 9, 0.5, 1), 2, Rpi { l: 2, t: 0 }).is_err());
}

/// Rows that made another implementation fail: data scaled by 1e-3, huge rows inside the span, fewer rows than
/// directions asked for, a direction displaced entirely, columns of extreme scale.
#[test]
fn hard_rows() {
    for seed in 0..50 {
        let a = sparse(20, 12, 0.4, seed);
        for scale in [1e-3, 1e-140, 1e120] {
            let a = a.scaled(scale).unwrap();
            let e = sparse(3, 12, 0.5, seed + 99).scaled(scale).unwrap();
            let mut svd = UpdatingSvd::start(&a, 5, Exact).unwrap();
            let old = svd.to_dense();
            svd.add_rows(&e).unwrap();
            let new = DMatrix::from_fn(
                23,
                12,
                |i, j| if i < 20 { old[(i, j)] } else { e.to_dense()[(i - 20, j)] },
            ) / scale;
            let (values, _) = best(&new, 5);
            for (s, t) in svd.singular_values().iter().zip(&values) {
                assert!((s / scale - t).abs() <= 1e-12 * values[0]);
            }
        }
        // A row of norm 1e6 inside the span.
        let mut svd = UpdatingSvd::start(&a, 5, Exact).unwrap();
        let v = svd.svd().v;
        let e = DMatrix::from_fn(1, 12, |_, j| 1e6 * (v[(j, 0)] + 0.3 * v[(j, 3)]));
        svd.add_rows(&Csr::from_dense(&e).unwrap()).unwrap();
        let norm = e.norm();
        assert!((svd.singular_values()[0] - norm).abs() <= 1e-4 * norm);
        assert_sound(&svd.svd(), 1e-12);
        // Fewer rows than directions.
        for l in [4, 16] {
            let mut svd = UpdatingSvd::start(&a, 5, Gkl { l }).unwrap();
            svd.add_rows(&sparse(2, 12, 0.4, seed + 7)).unwrap();
            assert_sound(&svd.svd(), 1e-12);
        }
    }
    // A direction displaced entirely.
    let diagonal = Csr::from_triplets(3, 4, [(0, 0, 3.0), (1, 1, 2.0), (2, 2, 1.0)]).unwrap();
    let mut svd = UpdatingSvd::start(&diagonal, 2, Exact).unwrap();
    svd.add_rows(&Csr::from_triplets(1, 4, [(0, 3, 100.0)]).unwrap())
        .unwrap();
    assert!((svd.singular_values()[0] - 100.0).abs() < 1e-12 && (svd.singular_values()[1] - 3.0).abs() < 1e-13);
    assert_sound(&svd.svd(), 1e-13);
    // Columns of very different scale.
    let extreme = Csr::from_triplets(2, 4, [(0, 3, 1e150), (1, 2, 1e-150)]).unwrap();
    let report = svd.add_rows(&extreme).unwrap();
    assert_eq!(report.rank, 1); // all else is below rounding beside 1e150
    assert!((svd.singular_values()[0] / 1e150 - 1.0).abs() < 1e-14);
}

#[test]
fn near_span_rows_stay_orthonormal() {
    // With room for every direction, a row at a small distance from the span becomes a basis vector of its own.
    for distance in [0.0, 1e-12, 1e-9, 1e-6, 1e-4, 1e-2] {
        let a = of_rank(10, 9, 3, 5);
        let mut svd = UpdatingSvd::start(&Csr::from_dense(&a).unwrap(), 6, Exact).unwrap();
        let e = DMatrix::from_fn(1, 9, |_, j| a[(0, j)] + a[(1, j)] + if j == 4 { distance } else { 0.0 });
        svd.add_rows(&Csr::from_dense(&e).unwrap()).unwrap();
        assert_sound(&svd.svd(), 1e-12);
        let whole = DMatrix::from_fn(11, 9, |i, j| if i < 10 { a[(i, j)] } else { e[(0, j)] });
        // What may be left out is 1e-6 of the row.
        assert!(
            (svd.to_dense() - &whole).norm() <= distance.min(1e-6) * e.norm() + 1e-13 * whole.norm(),
            "{distance}"
        );
    }
}

#[test]
fn long_streams_stay_orthonormal() {
    let mut svd = UpdatingSvd::start(&sparse(60, 40, 0.2, 1), 8, Exact).unwrap();
    for step in 0..2000u64 {
        // Row scales over four orders of magnitude.
        let scale = 10f64.powf((step % 17) as f64 / 4.0 - 2.0);
        svd.add_rows(&sparse(1, 40, 0.2, 1000 + step).scaled(scale).unwrap())
            .unwrap();
        svd.change_entries(&[((step % 60) as usize, (step % 40) as usize, 0.1)])
            .unwrap();
    }
    assert!(svd.orthogonality_error() <= 1e-10, "{:.1e}", svd.orthogonality_error());
}

#[test]
fn readers_round_trip_and_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let a = sparse(9, 7, 0.3, 8);
    write_matrix_market(&path, &a).unwrap();
    assert_eq!(read_matrix_market(&path).unwrap(), a);
    write("%%MatrixMarket matrix coordinate pattern symmetric\n% comment\n3 3 2\n2 1\n3 3\n");
    assert_eq!(
        read_matrix_market(&path).unwrap(),
        Csr::from_triplets(3, 3, [(1, 0, 1.0), (0, 1, 1.0), (2, 2, 1.0)]).unwrap()
    );
    write("%%MatrixMarket matrix array real general\n2 2\n1\n0\n0\n4\n");
    assert_eq!(
        read_matrix_market(&path).unwrap(),
        Csr::from_triplets(2, 2, [(0, 0, 1.0), (1, 1, 4.0)]).unwrap()
    );
    for bad in [
        "",
        "%%MatrixMarket matrix coordinate complex general\n1 1 0\n",
        "%%MatrixMarket matrix coordinate real general\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1.0\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n3 1 1.0\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n0 1 1.0\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 nan\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 1.0\n2 2 1.0\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1\n",
        "%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n",
        "%%MatrixMarket matrix coordinate real general\n99999999999999 2 0\n",
    ] {
        write(bad);
        assert!(
            matches!(read_matrix_market(&path), Err(SsvdError::Malformed { .. })),
            "{bad:?}"
        );
    }
    write("# graph\n0 1\n1\t2 2.5\n2,2\n");
    let edges = read_edges(&path, true).unwrap();
    assert_eq!((edges.nrows(), edges.nnz()), (3, 5));
    for bad in ["0\n", "0 x\n", "0 1 inf\n", "0 1 2 3\n", "-1 2\n", "0 99999999999\n"] {
        write(bad);
        assert!(
            matches!(
                read_edges(&path, false),
                Err(SsvdError::Malformed { line: Some(1), .. })
            ),
            "{bad:?}"
        );
    }
    write("1 1:0.5 3:2 # first\n\n-1 qid:4 2:1\n");
    let (features, labels) = read_libsvm(&path, None).unwrap();
    assert_eq!(
        (features.nrows(), features.ncols(), features.nnz(), labels),
        (2, 3, 3, vec![1.0, -1.0])
    );
    for bad in ["x 1:2\n", "1 0:2\n", "1 2\n", "1 1:nan\n", "1 a:1\n"] {
        write(bad);
        assert!(
            matches!(
                read_libsvm(&path, None),
                Err(SsvdError::Malformed { line: Some(1), .. })
            ),
            "{bad:?}"
        );
    }
    write("1 4:1\n");
    assert!(read_libsvm(&path, Some(3)).is_err());
    std::fs::write(&path, b"1 1:\xff\xfe\n").unwrap();
    assert!(matches!(
        read_libsvm(&path, None),
        Err(SsvdError::Malformed { line: Some(1), .. })
    ));
    assert!(matches!(read_npz(&path), Err(SsvdError::Malformed { .. })));
    assert!(matches!(
        read_edges(folder.path().join("absent"), false),
        Err(SsvdError::Io { .. })
    ));
}

#[test]
fn scipy_files() {
    let folder = std::env::var_os("HADAMARD_DATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        std::path::PathBuf::from,
    );
    let path = folder.join("sparse/ca-GrQc.npz");
    if !path.exists() {
        eprintln!("SKIPPED scipy_files: {} is absent", path.display());
        return;
    }
    let a = read_npz(&path).unwrap();
    assert_eq!((a.nrows(), a.ncols(), a.nnz()), (4158, 4158, 26850));
    assert_eq!(a.transpose(), a);
    let report = lanczos(&a, 10, &LanczosOptions::default()).unwrap();
    assert!(report.converged);
    assert_sound(&report.svd, 1e-12);
    let bytes = std::fs::read(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.npz");
    for length in [0, 100, bytes.len() / 2, bytes.len() - 10] {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        assert!(matches!(read_npz(&cut), Err(SsvdError::Malformed { .. })), "{length}");
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        let mut bent = bytes.clone();
        bent[at] ^= 0x10;
        std::fs::write(&cut, &bent).unwrap();
        // Names, times and padding of the archive hold no number.
        match read_npz(&cut) {
            Ok(found) => assert_eq!(found, a, "bent at {at}"),
            Err(error) => assert!(matches!(error, SsvdError::Malformed { .. }), "bent at {at}: {error}"),
        }
    }
}

/// Every prefix of a small file of each text format, and the file with each byte bent: a matrix or a named error.
#[test]
fn files_cut_or_bent_anywhere_do_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    type Read = fn(&std::path::Path) -> hadamard_ssvd::Result<Csr>;
    let formats: [(&str, Read); 5] = [
        (
            "%%MatrixMarket matrix coordinate real general\n% c\n3 4 3\n1 1 0.5\n2 3 -1e2\n3 4 7\n",
            |path| read_matrix_market(path),
        ),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n0\n0\n4\n", |path| {
            read_matrix_market(path)
        }),
        ("# graph\n0 1\n1\t2 2.5\n2,2\n", |path| read_edges(path, true)),
        ("1 1:0.5 3:2 # first\n\n-1 qid:4 2:1\n", |path| {
            read_libsvm(path, None).map(|(a, _)| a)
        }),
        ("1 1:0.5 3:2\n-1 2:1\n", |path| {
            read_libsvm(path, Some(3)).map(|(a, _)| a)
        }),
    ];
    let check = |read: Read, bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        match read(&path) {
            Ok(a) => assert!(
                a.triplets()
                    .all(|(i, j, x)| i < a.nrows() && j < a.ncols() && x.is_finite())
            ),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    };
    for (text, read) in formats {
        let bytes = text.as_bytes();
        for at in 0..bytes.len() {
            check(read, &bytes[..at]);
            // Digits that grow cost memory by design (a node number is a row): they may only shrink here.
            for bent in [b' ', b'\n', b'-', b'.', b':', b'0', 0x80, 0] {
                let mut bytes = bytes.to_vec();
                bytes[at] = bent;
                check(read, &bytes);
            }
        }
    }
}

#[test]
fn impossible_shapes_are_refused_by_name() {
    for rows in [usize::MAX, usize::MAX - 1, usize::MAX / 8] {
        assert!(matches!(
            Csr::from_triplets(rows, 1, []),
            Err(SsvdError::TooLarge { count, .. }) if count == rows
        ));
    }
}
