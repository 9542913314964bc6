use hadamard::ssvd::{
    Adaptive, Augmentation, Csr, CsrCsc, DenseMethod, DenseUpdating, Exact, FnOperator, Gkl, LanczosOptions, Operator,
    Rpi, Similarity, SolveReport, SsvdError, Standardized, TruncatedSvd, UpdateOptions, UpdateReport,
    UpdateTruncatedSvd, UpdatingSvd, lanczos, read_matrix_market, write_matrix_market,
};

use crate::draw::{Draw, Numbers, cases, finite, sound};

fn sparse(draw: &mut Draw, rows: usize, cols: usize) -> Option<Csr> {
    let count = draw.below(2 * (rows + cols) + 1);
    let entries: Vec<(usize, usize, f64)> = (0..count)
        .filter(|_| rows > 0 && cols > 0)
        .map(|_| (draw.below(rows), draw.below(cols), draw.number()))
        .collect();
    let (rows, cols) = if draw.one_in(40) {
        (draw.below(3), cols)
    } else {
        (rows, cols)
    };
    sound("from_triplets", Csr::from_triplets(rows, cols, entries))
}

fn factors(what: &str, svd: &TruncatedSvd) {
    assert!(
        svd.s.iter().all(|s| s.is_finite() && *s >= 0.0),
        "{what}: singular values"
    );
    assert!(svd.s.windows(2).all(|w| w[0] >= w[1]), "{what}: descending");
    assert!(svd.u.finite() && svd.v.finite(), "{what}: vectors");
}

fn solved(what: &str, report: Result<SolveReport, SsvdError>) -> Option<TruncatedSvd> {
    let SolveReport { svd, residuals, .. } = sound(what, report)?;
    factors(what, &svd);
    finite(what, Ok::<_, String>(residuals));
    Some(svd)
}

#[test]
fn matrices() {
    cases(1500, |draw| {
        let (m, n) = (draw.below(9), draw.below(9));
        let Some(a) = sparse(draw, m, n) else { return };
        let t = a.transpose();
        assert_eq!(t.transpose(), a);
        let (low, high) = (draw.below(m + 2), draw.below(m + 2));
        #[allow(clippy::reversed_empty_ranges)]
        sound("row_range", a.row_range(low..high));
        sound("scaled", a.scaled(draw.anything()));
        sound("from_dense", Csr::from_dense(&draw.matrix(m, n)));
        let _ = (a.to_dense(), a.norm_squared(), a.memory());
        let offsets = (0..draw.about(m + 1)).map(|_| draw.below(6)).collect();
        let (entries, values) = (draw.below(6), draw.below(6));
        let indices = (0..entries).map(|_| draw.below(n + 1)).collect();
        sound("Csr::new", Csr::new(m, n, offsets, indices, draw.numbers(values)));
        sound("Csr::new", Csr::new(usize::MAX, n, vec![], vec![], vec![]));
        sound(
            "from_triplets",
            Csr::from_triplets(usize::MAX, usize::MAX, [(0, 0, 1.0)]),
        );
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        sound("write", write_matrix_market(file.path(), &a));
        assert_eq!(read_matrix_market(file.path()).expect("what was written"), a);
    });
}

#[test]
fn static_solver() {
    cases(1500, |draw| {
        let (m, n) = (draw.below(30), draw.below(30));
        let Some(a) = sparse(draw, m, n) else { return };
        let (m, n) = (a.nrows(), a.ncols());
        let k = draw.below(m.min(n) + 2);
        let options = if draw.one_in(2) {
            LanczosOptions::default()
        } else {
            LanczosOptions {
                tolerance: draw.parameter(),
                block: draw.below(6),
                basis: draw.below(40),
                restarts: draw.below(8),
                seed: 1,
            }
        };
        let both = CsrCsc::from(a.clone());
        if let Some(svd) = solved("lanczos", lanczos(&both, k, &options)) {
            queries(draw, &svd, &a);
        }
        let (shift, weight) = (draw.about(n), draw.about(n));
        let (shift, weight) = (draw.numbers(shift), draw.numbers(weight));
        if let Some(b) = sound("Standardized", Standardized::new(&both, shift, weight)) {
            solved("standardized", lanczos(&b, k, &options));
        }
        if let Some(b) = sound("centered", Standardized::centered(&both)) {
            solved("centred", lanczos(&b, k, &options));
        }
        // Functions of a user may return anything.
        let bad = draw.anything();
        let forward = |_: &[f64], _: usize, y: &mut [f64]| y.fill(bad);
        let operator = FnOperator::new(m, n, forward, |x: &[f64], w: usize, y: &mut [f64]| {
            both.apply_transpose(x, w, y)
        });
        solved("of functions", lanczos(&operator, k, &options));
        solved("of a dense matrix", lanczos(&draw.matrix(m, n), k, &options));
    });
}

fn queries(draw: &mut Draw, svd: &TruncatedSvd, a: &Csr) {
    let (m, n) = (svd.u.nrows(), svd.v.nrows());
    finite("frobenius_error", svd.frobenius_error(a));
    let energy = svd.explained_energy(draw.parameter());
    assert!(!energy.is_nan(), "explained energy");
    finite("residuals", svd.residuals(&CsrCsc::from(a.clone())));
    let wide = draw.about(n);
    if let Some(row) = sparse(draw, 1, wide) {
        finite("project_rows", svd.project_rows(&row));
        for similarity in [Similarity::InnerProduct, Similarity::Cosine] {
            let nearest = svd.nearest_rows(&row, draw.below(4), similarity);
            assert!(
                sound("nearest_rows", nearest).is_none_or(|list| list.iter().all(|x| !x.1.is_nan())),
                "nearest_rows"
            );
        }
    }
    let tall = draw.about(m);
    if let Some(column) = sparse(draw, tall, 2) {
        finite("project_columns", svd.project_columns(&column));
    }
    let top = svd.top_entries(draw.below(m + 1), draw.below(4), |j| j % 2 == 0);
    assert!(
        sound("top_entries", top).is_none_or(|list| list.iter().all(|x| x.1.is_finite())),
        "top_entries"
    );
}

fn report(what: &str, report: Result<UpdateReport, SsvdError>) -> bool {
    let report = sound(what, report);
    if let Some(report) = report {
        assert!(
            report.discarded_energy >= 0.0,
            "{what}: discarded energy {}",
            report.discarded_energy
        );
        assert!(
            !report.condition.0.is_nan() && !report.condition.1.is_nan(),
            "{what}: condition"
        );
    }
    report.is_some()
}

/// A random walk through all updates; a failed one must leave the state as it was.
fn walk<T: UpdateTruncatedSvd>(draw: &mut Draw, svd: &mut T, steps: usize) {
    for _ in 0..steps {
        let (m, n) = (svd.nrows(), svd.ncols());
        let before = svd.singular_values().to_vec();
        let (m, n) = (draw.about(m), draw.about(n));
        let q = draw.below(4);
        let done = match draw.below(5) {
            0 => sparse(draw, q, n).map(|e| report("add_rows", svd.add_rows(&e))),
            1 => sparse(draw, m, q).map(|e| report("add_columns", svd.add_columns(&e))),
            2 => {
                let (d, e) = (sparse(draw, m, q), sparse(draw, n, q));
                d.zip(e).map(|(d, e)| report("add_low_rank", svd.add_low_rank(&d, &e)))
            }
            3 => {
                let changes: Vec<_> = (0..q)
                    .map(|_| (draw.below(m + 1), draw.below(n + 1), draw.number()))
                    .collect();
                Some(report("change_entries", svd.change_entries(&changes)))
            }
            _ => Some(sound("forget", svd.forget(draw.parameter())).is_some()),
        };
        if done == Some(false) {
            assert_eq!(svd.singular_values(), before, "a failed update changed the state");
        }
        factors("update", &svd.svd());
        assert!(svd.to_dense().finite(), "update: A_k");
    }
}

fn updating<M: Augmentation + serde::Serialize + serde::de::DeserializeOwned>(draw: &mut Draw, method: M) {
    let (m, n) = (draw.below(12), draw.below(12));
    let k = draw.below(5);
    let start = if draw.one_in(3) {
        sound("empty", UpdatingSvd::empty(m, n, k, method))
    } else {
        let Some(a) = sparse(draw, m, n) else { return };
        sound("start", UpdatingSvd::start(&a, k, method))
    };
    let Some(mut svd) = start else { return };
    if draw.one_in(4) {
        let options = UpdateOptions {
            condition_limit: draw.parameter(),
            drift_limit: draw.parameter(),
            seed: 2,
        };
        let Some(other) = sound("with_options", svd.with_options(options)) else {
            return;
        };
        svd = other;
    }
    walk(draw, &mut svd, 6);
    for _ in 0..4 {
        let lines = [draw.below(svd.nrows() + 1), draw.below(svd.nrows() + 2)];
        report("clear_rows", svd.clear_rows(&lines));
        report("remove_rows", svd.remove_rows(&lines[..1]));
        let lines = [draw.below(svd.ncols() + 1), draw.below(svd.ncols() + 2)];
        report("clear_columns", svd.clear_columns(&lines));
        report("remove_columns", svd.remove_columns(&lines[1..]));
        sound("rebase", svd.rebase());
        factors("after rebase", &svd.svd());
        let n = svd.ncols();
        let rows: Vec<Vec<(usize, f64)>> = (0..draw.below(4))
            .map(|_| vec![(draw.below(n + 1), draw.number())])
            .collect();
        sound("extend_rows", svd.extend_rows(rows, draw.below(3)));
    }
    let _ = (
        svd.u_row(draw.below(9)),
        svd.v_row(draw.below(9)),
        svd.memory(),
        svd.rebases(),
        svd.updates(),
    );
    assert!(
        !svd.error_bound().is_nan() && !svd.explained_energy().is_nan(),
        "bookkeeping"
    );
    assert!(!svd.orthogonality_error().is_nan(), "orthogonality");
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    svd.save(file.path()).expect("a state can be saved");
    let again = UpdatingSvd::<M>::load(file.path()).expect("a saved state can be loaded");
    assert_eq!(again.svd(), svd.svd());
}

#[test]
fn updates() {
    cases(2500, |draw| match draw.below(4) {
        0 => updating(draw, Exact),
        1 => {
            let l = draw.below(5);
            updating(draw, Gkl { l });
        }
        2 => {
            let (l, t) = (draw.below(5), draw.below(4));
            updating(draw, Rpi { l, t });
        }
        _ => {
            let (tolerance, max_l) = (draw.parameter(), draw.below(5));
            updating(draw, Adaptive { tolerance, max_l });
        }
    });
}

#[test]
fn dense_updates() {
    cases(700, |draw| {
        let (m, n) = (1 + draw.below(9), 1 + draw.below(9));
        let Some(a) = sparse(draw, m, n) else { return };
        let k = draw.below(4);
        let both = CsrCsc::from(a);
        let Some(start) = sound("lanczos", lanczos(&both, k, &LanczosOptions::default())) else {
            return;
        };
        let (l, t) = (draw.below(4), draw.below(4));
        let method = match draw.below(3) {
            0 => DenseMethod::ZhaSimon,
            1 => DenseMethod::VecharynskiSaad { l },
            _ => DenseMethod::Yamazaki { l, t },
        };
        let k = draw.below(5);
        if let Some(mut svd) = sound("DenseUpdating", DenseUpdating::new(start.svd, k, method, 3)) {
            walk(draw, &mut svd, 6);
        }
        // Factors of a user may hold anything.
        let (r, width) = (draw.below(3), draw.about(2));
        let svd = TruncatedSvd {
            u: draw.matrix(m, r),
            s: draw.numbers(width),
            v: draw.matrix(n, r),
        };
        let _ = sound(
            "from_svd",
            UpdatingSvd::from_svd(&svd, 3, Exact, UpdateOptions::default()),
        );
        if let Some(mut svd) = sound("DenseUpdating", DenseUpdating::new(svd, 3, method, 3)) {
            // What came in wild may stay wild: no panic is all that can be asked.
            let e = Csr::from_triplets(1, n, [(0, 0, 1.0)]).expect("one entry inside");
            let _ = sound("add_rows", svd.add_rows(&e));
        }
    });
}
