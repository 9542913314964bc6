//! Files of the truncated SVD: what readers accept and refuse, and checkpoints that survive a writer's death.

use hadamard_ssvd::*;
use proofs_tests::ssvd::*;

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
    for bad in [
        "0\n",
        "0 x\n",
        "0 1 inf\n",
        "0 1 2 3\n",
        "-1 2\n",
        "0 99999999999\n",
        "0 4000000000\n",
    ] {
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

/// Every prefix of a scipy archive and each of its bytes bent, with members of every kind.
#[test]
fn archives_cut_or_bent_anywhere_are_refused_or_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let a = sparse(9, 7, 0.3, 8);
    write_npz(&path, &a).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        std::fs::write(&path, &bytes[..at]).unwrap();
        assert!(
            matches!(read_npz(&path), Err(SsvdError::Malformed { .. })),
            "cut at {at}"
        );
        let mut bent = bytes.clone();
        bent[at] ^= 0x10;
        std::fs::write(&path, &bent).unwrap();
        // Names, times and padding of the archive hold no number.
        match read_npz(&path) {
            Ok(found) => assert_eq!(found, a, "bent at {at}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// A checkpoint cut in half, cut anywhere else, or with any bit turned, is refused.
#[test]
fn checkpoints_cut_or_bent_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut svd = UpdatingSvd::start(&sparse(40, 30, 0.2, 1), 6, Gkl { l: 3 }).unwrap();
    svd.add_rows(&sparse(5, 30, 0.2, 2)).unwrap();
    svd.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        matches!(UpdatingSvd::<Gkl>::load(&path), Err(SsvdError::Malformed { .. }))
    };
    assert!(refused(&bytes[..bytes.len() / 2]));
    for at in 0..bytes.len() {
        assert!(at % 7 != 0 || refused(&bytes[..at]), "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(refused(&changed), "changed at {at}");
    }
    assert!(matches!(
        UpdatingSvd::<Gkl>::load(folder.path().join("absent")),
        Err(SsvdError::Io { .. })
    ));
}

/// A writer that is killed in the middle, again and again: the checkpoint is always a whole one, the old or the new.
#[test]
#[cfg(unix)]
fn a_killed_writer_leaves_a_whole_checkpoint() {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let svd = UpdatingSvd::start(&sparse(4000, 300, 0.01, 1), 16, Exact).unwrap();
    svd.save(&path).unwrap();
    let mut seen = std::collections::HashSet::new();
    for round in 0..12u64 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_killed", "--ignored", "--test-threads=1"])
            .env(CHECKPOINT, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Wait for its first checkpoint, then a little longer.
        let before = UpdatingSvd::<Exact>::load(&path).unwrap().updates();
        for _ in 0..3000 {
            if UpdatingSvd::<Exact>::load(&path).unwrap().updates() > before {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_micros(700 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let found = UpdatingSvd::<Exact>::load(&path).unwrap();
        assert!(found.updates() > before, "the writer wrote nothing");
        assert_eq!(found.singular_values().len(), 16);
        seen.insert(found.updates());
    }
    assert_eq!(seen.len(), 12);
}

const CHECKPOINT: &str = "HADAMARD_TEST_CHECKPOINT";

/// Not a test of its own: the writer of the one above.
#[test]
#[ignore = "started and killed by a_killed_writer_leaves_a_whole_checkpoint"]
fn writes_until_killed() {
    let Some(path) = std::env::var_os(CHECKPOINT) else {
        return;
    };
    let mut svd = UpdatingSvd::<Exact>::load(&path).unwrap();
    loop {
        svd.change_entries(&[(svd.updates() as usize % 4000, 7, 0.5)]).unwrap();
        svd.save(&path).unwrap();
    }
}
