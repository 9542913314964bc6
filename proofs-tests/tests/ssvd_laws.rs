//! The twenty-four laws of updating truncated SVDs, numbered. Unless a law says otherwise it is held on every kind of
//! [`nasty`] matrix, and its tolerance is [`TIGHT`] times the largest singular value.

use hadamard_ssvd::*;
use nalgebra::DMatrix;
use proofs_tests::ssvd::*;
use proptest::prelude::*;

fn csr(a: &DMatrix<f64>) -> Csr {
    Csr::from_dense(a).expect("finite")
}

fn start(a: &Csr, k: usize) -> UpdatingSvd<Exact> {
    UpdatingSvd::start(a, k, Exact).expect("a valid matrix")
}

fn close(found: &DMatrix<f64>, expected: &DMatrix<f64>, scale: f64, tolerance: f64) {
    let error = (found - expected).norm() / scale.max(f64::MIN_POSITIVE);
    assert!(
        error <= tolerance,
        "relative error {error:.1e}, allowed {tolerance:.1e}"
    );
}

/// The i-th value, zero beyond the rank.
fn value(svd: &impl UpdateTruncatedSvd, i: usize) -> f64 {
    svd.singular_values().get(i).copied().unwrap_or(0.0)
}

fn same_values(x: &impl UpdateTruncatedSvd, y: &impl UpdateTruncatedSvd, factor: f64, tolerance: f64) {
    let count = x.singular_values().len().max(y.singular_values().len());
    for i in 0..count {
        let (s, t) = (value(x, i) * factor, value(y, i));
        assert!((s - t).abs() <= tolerance * value(y, 0), "value {i}: {s} for {t}");
    }
}

/// Orthonormal to the estimate of law 2.
fn sound(svd: &UpdatingSvd<impl Augmentation>) {
    assert_sound(&svd.svd(), TIGHT + svd.target_rank() as f64 * svd.drift());
}

/// What two ways of computing may differ by when vectors near the span are left out, relative to their length: columns
/// of very different size make such vectors.
fn left_out(kind: usize) -> f64 {
    if kind == 3 { 1e-7 } else { 0.0 }
}

/// One update of any kind.
enum Update {
    Rows(Csr),
    Columns(Csr),
    LowRank(Csr, Csr),
}

impl Update {
    fn draw(which: usize, kind: usize, (m, n): (usize, usize), q: usize, seed: u64) -> Self {
        match which % 3 {
            0 => Self::Rows(nasty(kind, q, n, seed)),
            1 => Self::Columns(nasty(kind, m, q, seed)),
            _ => Self::LowRank(sparse(m, q, 0.3, seed), nasty(kind, n, q, seed ^ 1)),
        }
    }

    fn apply(&self, svd: &mut impl UpdateTruncatedSvd) -> UpdateReport {
        match self {
            Self::Rows(e) => svd.add_rows(e),
            Self::Columns(e) => svd.add_columns(e),
            Self::LowRank(d, e) => svd.add_low_rank(d, e),
        }
        .expect("a valid update")
    }

    fn dense(&self, a: &DMatrix<f64>) -> DMatrix<f64> {
        match self {
            Self::Rows(e) => below(a, &e.to_dense()),
            Self::Columns(e) => below(&a.transpose(), &e.to_dense().transpose()).transpose(),
            Self::LowRank(d, e) => a + d.to_dense() * e.to_dense().transpose(),
        }
    }
}

/// Laws 1, 2, 3 and 14 on a sequence of four mixed updates.
fn check_sequence(svd: &mut impl UpdateTruncatedSvd, kind: usize, seed: u64, k: usize, q: usize, which: usize) {
    for step in 0..4 {
        let old = svd.to_dense();
        let s_old = svd.singular_values().to_vec();
        let update = Update::draw(which + step, kind, old.shape(), q, seed ^ (step as u64 + 1) << 8);
        let new = update.dense(&old);
        let report = update.apply(svd);
        let (values, target) = best(&new, k);
        // A truncated SVD is as well determined as its gap: the error of the product against the optimal error is not.
        let error = (&new - svd.to_dense()).norm_squared();
        let optimal = (&new - target).norm_squared();
        let total = new.norm_squared();
        assert!((error - optimal).abs() <= TIGHT * total, "error {error} for {optimal}");
        assert!((report.discarded_energy - optimal).abs() <= TIGHT * total);
        assert!(report.rank == svd.singular_values().len() && report.rank <= k);
        // A direction left out has at most 1e-7 of its vector's length: it moves a value by its square over the value,
        // and a value that small by itself.
        let left_out = 1e-7 * (total.sqrt() - old.norm()).abs().max(new.amax());
        for (i, t) in values.iter().take(k).enumerate() {
            let s = value(svd, i);
            let allowed = TIGHT * values[0] + left_out.min(left_out * left_out / t);
            assert!((s - t).abs() <= allowed, "value {i}: {s} for {t}");
        }
        let condition = report.condition.0.max(report.condition.1);
        assert_sound(&svd.svd(), TIGHT.max(k as f64 * f64::EPSILON * condition));
        let added = match &update {
            Update::Rows(e) | Update::Columns(e) => best(&e.to_dense(), 1).0[0],
            Update::LowRank(..) => continue,
        };
        for (i, s) in s_old.iter().enumerate() {
            let t = value(svd, i);
            assert!(t >= s - TIGHT * values[0], "value {i} falls from {s} to {t}");
            assert!(t * t <= (s * s + added * added) * (1.0 + TIGHT) + (TIGHT * values[0]).powi(2));
        }
    }
}

proptest! {
    /// Law 1: an exact method returns the best rank-k approximation of the updated A_k (and so does the dense baseline).
    /// Law 2: U^T U = V^T V = I. Law 3: values descend and are positive. Law 14: rows and columns never lower a value,
    /// and s_i(new)^2 <= s_i(old)^2 + ||E||_2^2.
    #[test]
    fn law_01_02_03_14_specification(
        seed in any::<u64>(), k in 1usize..9, q in 1usize..7, which in 0usize..3, kind in 0..KINDS,
    ) {
        let a = nasty(kind, 14, 12, seed);
        check_sequence(&mut start(&a, k), kind, seed, k, q, which);
        let first = lanczos(&a, k, &LanczosOptions::default()).unwrap().svd;
        check_sequence(&mut DenseUpdating::new(first, k, DenseMethod::ZhaSimon, seed).unwrap(), kind, seed, k, q, which);
    }

    /// Law 2 over long sequences: max |U^T U - I| <= k times the estimate, which is eps cond(K) summed over the updates
    /// since the last rebase and stays below `drift_limit`, beside the rounding of the sums that measure it.
    #[test]
    fn law_02_orthogonality_follows_the_condition(seed in any::<u64>(), kind in 0..KINDS) {
        let options = UpdateOptions { seed, ..UpdateOptions::default() };
        let k = 6;
        let mut svd = start(&nasty(kind, 14, 12, seed), k).with_options(options).unwrap();
        for step in 0..40 {
            let shape = (svd.nrows(), svd.ncols());
            let report = Update::draw(if step % 2 == 0 { 2 } else { 0 }, kind, shape, 1, seed ^ step << 7).apply(&mut svd);
            prop_assert!(report.rebased || svd.drift() <= options.drift_limit);
            let error = svd.orthogonality_error();
            let sums = f64::EPSILON * svd.nrows().max(svd.ncols()) as f64;
            prop_assert!(error <= sums + k as f64 * svd.drift(), "{error:e} after {:e}", svd.drift());
        }
    }

    /// Law 4: rows, then columns = columns, then rows, when everything fits rank k.
    #[test]
    fn law_04_rows_and_columns_commute(seed in any::<u64>(), rank in 1usize..3) {
        let a = of_rank(12, 10, rank, seed);
        prop_assume!(a.norm() > 0.0);
        let whole = of_rank(15, 11, 2, seed ^ 7);
        let (e, c) = (whole.view((0, 0), (3, 10)).into_owned(), whole.view((0, 10), (15, 1)).into_owned());
        let (mut first, mut second) = (start(&csr(&a), 8), start(&csr(&a), 8));
        first.add_rows(&csr(&e)).unwrap();
        first.add_columns(&csr(&c)).unwrap();
        second.add_columns(&csr(&c.rows(0, 12).into_owned())).unwrap();
        let wider = DMatrix::from_fn(3, 11, |i, j| if j < 10 { e[(i, j)] } else { c[(12 + i, 0)] });
        second.add_rows(&csr(&wider)).unwrap();
        close(&first.to_dense(), &second.to_dense(), first.to_dense().norm(), TIGHT);
    }

    /// Law 5: a zero row or column changes no value, and its row of U or V is zero, bit for bit; appended empty or as
    /// data.
    #[test]
    fn law_05_zero_rows_and_columns(seed in any::<u64>(), kind in 0..KINDS, q in 1usize..4) {
        let svd = start(&nasty(kind, 15, 11, seed), 5);
        let (mut rows, mut columns, mut empty) = (svd.clone(), svd.clone(), svd.clone());
        rows.add_rows(&Csr::zeros(q, 11)).unwrap();
        columns.add_columns(&Csr::zeros(15, q)).unwrap();
        empty.append_empty(q, q).unwrap();
        same_values(&svd, &rows, 1.0, TIGHT);
        same_values(&svd, &columns, 1.0, TIGHT);
        prop_assert_eq!(svd.singular_values(), empty.singular_values());
        for i in 0..q {
            for row in [rows.u_row(15 + i), empty.u_row(15 + i), columns.v_row(11 + i), empty.v_row(11 + i)] {
                prop_assert!(row.unwrap().iter().all(|x| *x == 0.0));
            }
        }
        close(&empty.to_dense().view((0, 0), (15, 11)).into_owned(), &svd.to_dense(), value(&svd, 0), 0.0);
    }

    /// Law 6: A_k's own rows (or columns) again: every value grows by sqrt(2).
    #[test]
    fn law_06_a_copy_grows_by_the_root_of_two(seed in any::<u64>(), kind in 0..KINDS) {
        let svd = start(&nasty(kind, 15, 11, seed), 5);
        let own = csr(&svd.to_dense());
        let (mut rows, mut columns) = (svd.clone(), svd.clone());
        rows.add_rows(&own).unwrap();
        columns.add_columns(&own).unwrap();
        same_values(&svd, &rows, 2f64.sqrt(), TIGHT);
        same_values(&svd, &columns, 2f64.sqrt(), TIGHT);
    }

    /// Law 7: while the rank stays within k nothing is lost: equal to the SVD of all data, error bound zero.
    #[test]
    fn law_07_nothing_is_lost_within_the_rank(seed in any::<u64>(), which in 0usize..2) {
        let (a, e) = (of_rank(12, 10, 2, seed), of_rank(3, 10, 2, seed ^ 7));
        prop_assume!(a.norm() > 0.0);
        let whole = below(&a, &e);
        let mut svd = start(&csr(&if which == 0 { a.clone() } else { a.transpose() }), 5);
        let all = if which == 0 {
            svd.add_rows(&csr(&e)).unwrap();
            svd.to_dense()
        } else {
            svd.add_columns(&csr(&e.transpose())).unwrap();
            svd.to_dense().transpose()
        };
        close(&all, &whole, whole.norm(), TIGHT);
        // The root of the rounding of energies.
        prop_assert!(svd.error_bound() <= TIGHT.sqrt() * whole.norm() && svd.explained_energy() >= 1.0 - TIGHT);
    }

    /// Law 8: permuting the rows of E permutes the new rows of A_k and leaves the others.
    #[test]
    fn law_08_permutations(seed in any::<u64>(), kind in 0..KINDS, turn in 1usize..4) {
        let (a, e) = (nasty(kind, 15, 11, seed), nasty(kind, 4, 11, seed ^ 3).to_dense());
        let turned = DMatrix::from_fn(4, 11, |i, j| e[((i + turn) % 4, j)]);
        let (mut one, mut other) = (start(&a, 5), start(&a, 5));
        one.add_rows(&csr(&e)).unwrap();
        other.add_rows(&csr(&turned)).unwrap();
        same_values(&one, &other, 1.0, TIGHT);
        // Equal values leave the choice of vectors to rounding.
        let Some(gap) = gap(&below(&start(&a, 5).to_dense(), &e), 5) else { return Ok(()) };
        let (x, y) = (one.to_dense(), other.to_dense());
        let place = |i: usize| if i < 15 { i } else { 15 + (i - 15 + turn) % 4 };
        let back = DMatrix::from_fn(19, 11, |i, j| x[(place(i), j)]);
        close(&back, &y, value(&one, 0), TIGHT / gap + left_out(kind));
    }

    /// Law 9: scaling A and E by c scales the values by |c|; by powers of two bit for bit, values and vectors.
    #[test]
    fn law_09_scaling(seed in any::<u64>(), kind in 0..KINDS, power in -300i32..300, c in prop::sample::select(vec![-1.0, 1e-3, -7.5, 3e90])) {
        let (a, e) = (nasty(kind, 15, 11, seed), nasty(kind, 3, 11, seed ^ 1));
        let run = |c: f64| {
            let mut svd = start(&a.scaled(c).unwrap(), 4);
            svd.add_rows(&e.scaled(c).unwrap()).unwrap();
            svd
        };
        let one = run(1.0);
        let binary = 2f64.powi(power);
        let scaled = run(binary);
        let values: Vec<f64> = one.singular_values().iter().map(|s| s * binary).collect();
        prop_assert_eq!(&values[..], scaled.singular_values());
        prop_assert_eq!((one.svd().u, one.svd().v), (scaled.svd().u, scaled.svd().v));
        // Where values k and k + 1 are equal, rounding chooses which of them goes on.
        let next = below(&start(&a, 4).to_dense(), &e.to_dense());
        if gap(&a.to_dense(), 4).is_some() && gap(&next, 4).is_some() {
            same_values(&one, &run(c), c.abs(), TIGHT + left_out(kind));
        }
    }

    /// Law 10: rows on A^T = columns on A; D E^T on A = E D^T on A^T.
    #[test]
    fn law_10_transposes(seed in any::<u64>(), kind in 0..KINDS, q in 1usize..5, which in 0usize..3) {
        let one = start(&nasty(kind, 15, 11, seed), 4);
        let svd = one.svd();
        let turned = TruncatedSvd { u: svd.v, s: svd.s, v: svd.u };
        let mut other = UpdatingSvd::from_svd(&turned, 4, Exact, UpdateOptions::default()).unwrap();
        let mut one = one;
        let update = Update::draw(which, kind, (15, 11), q, seed ^ 1);
        let new = update.dense(&one.to_dense());
        update.apply(&mut one);
        match &update {
            Update::Rows(e) => other.add_columns(&e.transpose()),
            Update::Columns(e) => other.add_rows(&e.transpose()),
            Update::LowRank(d, e) => other.add_low_rank(e, d),
        }
        .unwrap();
        same_values(&one, &other, 1.0, TIGHT);
        let error = |x: &DMatrix<f64>| (&new - x).norm();
        let (x, y) = (error(&one.to_dense()), error(&other.to_dense().transpose()));
        prop_assert!((x * x - y * y).abs() <= TIGHT * new.norm_squared());
    }

    /// Law 11: a low rank update with D = e_i delta, E = e_j changes one entry, as `change_entries` does.
    #[test]
    fn law_11_one_entry(seed in any::<u64>(), kind in 0..KINDS, i in 0usize..12, j in 0usize..10, delta in -3.0f64..3.0) {
        let svd = start(&nasty(kind, 12, 10, seed), 6);
        let (mut one, mut other) = (svd.clone(), svd.clone());
        one.change_entries(&[(i, j, delta)]).unwrap();
        let (d, e) = (Csr::from_triplets(12, 1, [(i, 0, delta)]), Csr::from_triplets(10, 1, [(j, 0, 1.0)]));
        other.add_low_rank(&d.unwrap(), &e.unwrap()).unwrap();
        same_values(&one, &other, 1.0, TIGHT);
        let mut dense = svd.to_dense();
        dense[(i, j)] += delta;
        let (values, target) = best(&dense, 6);
        prop_assert!(((&dense - one.to_dense()).norm_squared() - (&dense - target).norm_squared()).abs() <= TIGHT * dense.norm_squared());
        prop_assert!((value(&one, 0) - values[0]).abs() <= TIGHT * values[0]);
    }

    /// Law 12: adding rows or columns and removing them again returns to A_k, rank permitting.
    #[test]
    fn law_12_add_then_remove(seed in any::<u64>(), kind in 0..KINDS, q in 1usize..3) {
        let before = start(&nasty(kind, 12, 10, seed), 5);
        let wide = UpdatingSvd::from_svd(&before.svd(), 10, Exact, UpdateOptions::default()).unwrap();
        let (mut rows, mut columns) = (wide.clone(), wide);
        let (e, c) = (nasty(kind, q, 10, seed ^ 5), nasty(kind, 12, q, seed ^ 6));
        let scale = value(&before, 0).max(e.norm()).max(c.norm());
        rows.add_rows(&e).unwrap();
        rows.remove_rows(&(12..12 + q).collect::<Vec<_>>()).unwrap();
        columns.add_columns(&c).unwrap();
        columns.remove_columns(&(10..10 + q).collect::<Vec<_>>()).unwrap();
        for svd in [&rows, &columns] {
            // Directions within 1e-7 of the span may be left out on the way.
            close(&svd.to_dense(), &before.to_dense(), scale, 8.0 * TIGHT + left_out(kind));
            sound(svd);
        }
        // Rows in the middle: the others stay.
        let full = before.to_dense();
        let mut middle = before.clone();
        middle.remove_rows(&[3, 7, 3]).unwrap();
        close(&middle.to_dense(), &full.clone().remove_row(7).remove_row(3), scale, 8.0 * TIGHT + left_out(kind));
        middle.remove_columns(&[0]).unwrap();
        close(&middle.to_dense(), &full.remove_row(7).remove_row(3).remove_column(0), scale, 8.0 * TIGHT + left_out(kind));
    }

    /// Law 13: GKL, RPI and the adaptive method with l at least the rank of the new part are exact; so are the dense
    /// methods of Vecharynski and Saad and of Yamazaki.
    #[test]
    fn law_13_enough_directions_are_exact(seed in any::<u64>(), k in 1usize..9, q in 1usize..6, which in 0usize..3) {
        let a = sparse(14, 12, 0.4, seed);
        check_sequence(&mut UpdatingSvd::start(&a, k, Gkl { l: 6 }).unwrap(), 0, seed, k, q, which);
        check_sequence(&mut UpdatingSvd::start(&a, k, Rpi { l: 6, t: 2 }).unwrap(), 0, seed, k, q, which);
        check_sequence(&mut UpdatingSvd::start(&a, k, Adaptive { tolerance: 0.0, max_l: 6 }).unwrap(), 0, seed, k, q, which);
        let first = lanczos(&a, k, &LanczosOptions::default()).unwrap().svd;
        for method in [DenseMethod::VecharynskiSaad { l: 6 }, DenseMethod::Yamazaki { l: 6, t: 2 }] {
            check_sequence(&mut DenseUpdating::new(first.clone(), k, method, seed).unwrap(), 0, seed, k, q, which);
        }
    }

    /// Law 15: optimum <= ||A - A_k||_F <= the error bound, the sum of what every step left out.
    /// Law 23: the kept energy and all that was discarded add up to ||A||_F^2, over streams of rows and columns.
    #[test]
    fn law_15_23_errors_are_bounded_and_energies_add_up(seed in any::<u64>(), kind in 0..KINDS, k in 1usize..7, q in 1usize..5) {
        let all = nasty(kind, 24, 14, seed);
        let head = all.row_range(0..8).unwrap();
        let mut svd = start(&head, k);
        let kept = |svd: &UpdatingSvd<Exact>| svd.singular_values().iter().map(|s| s * s).sum::<f64>();
        let total = all.norm_squared();
        let mut discarded = head.norm_squared() - kept(&svd);
        for from in (8..24).step_by(q) {
            discarded += svd.add_rows(&all.row_range(from..24.min(from + q)).unwrap()).unwrap().discarded_energy;
        }
        prop_assert!((kept(&svd) + discarded - total).abs() <= TIGHT * total);
        prop_assert!((svd.explained_energy() * total - kept(&svd)).abs() <= TIGHT * total);
        let dense = all.to_dense();
        let error = (&dense - svd.to_dense()).norm();
        let optimum = (&dense - best(&dense, k).1).norm();
        // The error of a difference of energies is the root of their rounding.
        let slack = TIGHT.sqrt() * total.sqrt();
        prop_assert!(error >= optimum - TIGHT * total.sqrt() && error <= svd.error_bound() + slack);
        prop_assert!((svd.svd().frobenius_error(&all).unwrap() - error).abs() <= slack);
    }

    /// Law 16: a rebase changes nothing, to eps cond(K). Law 17: rows on demand are rows of the full factors.
    #[test]
    fn law_16_17_rebases_and_lazy_rows(seed in any::<u64>(), kind in 0..KINDS) {
        let mut svd = start(&nasty(kind, 15, 11, seed), 5);
        for step in 0..6 {
            let shape = (svd.nrows(), svd.ncols());
            Update::draw(step as usize, kind, shape, 2, seed ^ step << 9).apply(&mut svd);
        }
        let full = svd.svd();
        let (m, n) = (svd.nrows(), svd.ncols());
        for (i, row) in full.u.row_iter().enumerate() {
            prop_assert!(svd.u_row(i).unwrap().iter().zip(row.iter()).all(|(x, y)| (x - y).abs() <= TIGHT));
        }
        for (j, row) in full.v.row_iter().enumerate() {
            prop_assert!(svd.v_row(j).unwrap().iter().zip(row.iter()).all(|(x, y)| (x - y).abs() <= TIGHT));
        }
        prop_assert!(svd.u_row(m).is_none() && svd.v_row(n).is_none());
        let (dense, condition) = (svd.to_dense(), svd.condition());
        svd.rebase().unwrap();
        prop_assert_eq!(svd.condition(), (1.0, 1.0));
        let tolerance = TIGHT + 64.0 * f64::EPSILON * condition.0.max(condition.1);
        close(&svd.to_dense(), &dense, value(&svd, 0), tolerance);
        sound(&svd);
    }

    /// Law 19: the part outside the span becomes orthonormal vectors orthogonal to it, seen through the new factors: for
    /// near-span, repeated, zero and 1e-150 and 1e150 scaled vectors, each alone and together, with room for all.
    #[test]
    fn law_19_orthogonalisation(seed in any::<u64>(), kind in 0..KINDS, distance in -14i32..1, order in 0usize..6) {
        let a = nasty(kind, 15, 14, seed);
        let svd = start(&a, 12);
        let base = svd.with_rank(4).unwrap();
        let v = base.svd().v;
        let plain = sparse(2, 14, 0.5, seed ^ 2).to_dense();
        let near = DMatrix::from_fn(1, 14, |_, j| v.row(j).sum() + if j == 5 { 10f64.powi(distance) } else { 0.0 });
        let tiny = DMatrix::from_fn(1, 14, |_, j| plain[(0, (j + 3) % 14)] * 1e-150);
        let huge = DMatrix::from_fn(1, 14, |_, j| plain[(1, (j + 7) % 14)] * 1e150);
        let parts = [near, plain.clone(), plain.rows(0, 1).into_owned(), DMatrix::zeros(1, 14), tiny, huge];
        let alone = parts[order].clone();
        let together = parts.iter().skip(order).fold(DMatrix::zeros(0, 14), |sum, part| below(&sum, part));
        for block in [alone, together] {
            for wide in [12, 4] {
                let mut svd = base.clone().with_rank(wide).unwrap();
                svd.add_rows(&csr(&block)).unwrap();
                sound(&svd);
                let mut svd = base.clone().with_rank(wide).unwrap();
                // Vectors of every scale in one low rank product.
                let d = sparse(15, block.nrows(), 0.5, seed ^ 4);
                svd.add_low_rank(&d, &csr(&block.transpose())).unwrap();
                sound(&svd);
            }
        }
    }

    /// Law 20: forgetting by 1 keeps everything bit for bit, by 0 leaves the new block alone, by lambda scales A_k by
    /// its root.
    #[test]
    fn law_20_forgetting(seed in any::<u64>(), kind in 0..KINDS, lambda in 0.01f64..1.0) {
        let svd = start(&nasty(kind, 12, 10, seed), 5);
        let e = nasty(kind, 2, 10, seed ^ 6);
        let (mut all, mut some, mut none) = (svd.clone(), svd.clone(), svd.clone());
        all.forget(1.0).unwrap();
        prop_assert_eq!(all.svd(), svd.svd());
        some.forget(lambda).unwrap();
        let faded = svd.to_dense() * lambda.sqrt();
        close(&some.to_dense(), &faded, value(&svd, 0), TIGHT);
        prop_assert!((some.error_bound() - svd.error_bound() * lambda.sqrt()).abs() <= TIGHT * (1.0 + svd.error_bound()));
        some.add_rows(&e).unwrap();
        let new = below(&faded, &e.to_dense());
        let optimal = (&new - best(&new, 5).1).norm_squared();
        prop_assert!(((&new - some.to_dense()).norm_squared() - optimal).abs() <= TIGHT * new.norm_squared());
        none.forget(0.0).unwrap();
        prop_assert!(none.singular_values().is_empty() && none.error_bound() == 0.0);
        none.add_rows(&e).unwrap();
        let alone = below(&DMatrix::zeros(12, 10), &e.to_dense());
        close(&none.to_dense(), &alone, e.norm(), TIGHT + left_out(kind));
    }

    /// Law 21: a checkpoint returns bit for bit, and goes on bit for bit.
    #[test]
    fn law_21_checkpoints(seed in any::<u64>(), kind in 0..KINDS, l in 1usize..5) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut svd = UpdatingSvd::start(&nasty(kind, 20, 15, seed), 6, Rpi { l, t: 2 }).unwrap();
        svd.add_rows(&nasty(kind, 5, 15, seed ^ 2)).unwrap();
        svd.save(&path).unwrap();
        let mut back = UpdatingSvd::<Rpi>::load(&path).unwrap();
        let seen = |svd: &UpdatingSvd<Rpi>| {
            let numbers = (svd.error_bound(), svd.explained_energy(), svd.condition());
            (svd.svd(), numbers, (svd.updates(), svd.rebases(), svd.target_rank()), *svd.method())
        };
        prop_assert_eq!(seen(&svd), seen(&back));
        let e = nasty(kind, 7, 15, seed ^ 3);
        svd.add_rows(&e).unwrap();
        back.add_rows(&e).unwrap();
        prop_assert_eq!(seen(&svd), seen(&back));
        let first = std::fs::read(&path).unwrap();
        back.save(&path).unwrap();
        svd.save(folder.path().join("other")).unwrap();
        prop_assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("other")).unwrap());
        prop_assert_ne!(first, std::fs::read(&path).unwrap());
    }

    /// Law 22: static solvers against the dense SVD, against each other, with ||A v - s u||, ||A^T u - s v|| <= tol s_1.
    #[test]
    fn law_22_static_solvers(seed in any::<u64>(), kind in 0..KINDS, k in 1usize..7, block in 1usize..5) {
        let a = nasty(kind, 70, 60, seed);
        let (values, _) = best(&a.to_dense(), k);
        // Small bases, so that small matrices take the restarted routes.
        let options = LanczosOptions { block, basis: 24, tolerance: 1e-12, ..LanczosOptions::default() };
        let krylov = KrylovOptions { oversampling: 4, basis: 30, tolerance: 1e-12, ..KrylovOptions::default() };
        let subspace = SubspaceOptions { tolerance: 1e-7, iterations: 3000, ..SubspaceOptions::default() };
        let reports = [
            (lanczos(&a, k, &options).unwrap(), 1e-12),
            (block_krylov(&a, k, &krylov).unwrap(), 1e-12),
            (subspace_iteration(&a, k, &subspace).unwrap(), 1e-7),
        ];
        for (at, (report, tolerance)) in reports.iter().enumerate() {
            prop_assert!(report.converged, "solver {at}: {:?}", report.residuals);
            assert_sound(&report.svd, 1e-13);
            // The tolerance and the rounding of products of 70 terms.
            let residuals = report.svd.residuals(&a).unwrap();
            prop_assert!(residuals.iter().all(|r| *r <= (tolerance + 1e-13) * values[0]), "solver {at}: {residuals:?}");
            for (i, t) in values.iter().take(k).enumerate() {
                let s = report.svd.s.get(i).copied().unwrap_or(0.0);
                // Values below rounding are left out: eps 70 s_1.
                prop_assert!((s - t).abs() <= (10.0 * tolerance + 2e-14) * values[0], "solver {at}: {s} for {t}");
            }
        }
    }

    /// Law 24: what the readers read is what was written, in every text format.
    #[test]
    fn law_24_readers_return_what_was_written(seed in any::<u64>(), kind in 0..KINDS, m in 1usize..9, power in -300i32..300) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let a = nasty(kind, m, 7, seed).scaled(2f64.powi(power)).unwrap();
        write_matrix_market(&path, &a).unwrap();
        prop_assert_eq!(&read_matrix_market(&path).unwrap(), &a);
        write_npz(&path, &a).unwrap();
        prop_assert_eq!(&read_npz(&path).unwrap(), &a);
        let line = |i: usize| a.row(i).map(|(j, x)| format!(" {}:{x:e}", j + 1)).collect::<String>();
        let text: String = (0..m).map(|i| format!("{i}{}\n", line(i))).collect();
        std::fs::write(&path, text).unwrap();
        let (features, labels) = read_libsvm(&path, Some(7)).unwrap();
        prop_assert_eq!(&features, &a);
        prop_assert_eq!(labels, (0..m).map(|i| i as f64).collect::<Vec<_>>());
        let order = m.max(7);
        let text: String = a.triplets().map(|(i, j, x)| format!("{i}\t{j} {x:e}\n")).collect();
        std::fs::write(&path, format!("# all\n{text}{} {} 0\n", order - 1, order - 1)).unwrap();
        let mut entries: Vec<_> = a.triplets().collect();
        entries.push((order - 1, order - 1, 0.0));
        prop_assert_eq!(read_edges(&path, false).unwrap(), Csr::from_triplets(order, order, entries).unwrap());
    }
}

/// Law 18: the same bits for any number of threads, static and updated.
#[test]
fn law_18_threads_do_not_change_a_bit() {
    let a = sparse(3000, 2000, 0.003, 4);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut svd = UpdatingSvd::start(&a, 12, Rpi { l: 4, t: 2 }).unwrap();
            for step in 0..10 {
                svd.add_rows(&sparse(9, 2000, 0.01, 100 + step)).unwrap();
            }
            svd.rebase().unwrap();
            let few = SubspaceOptions {
                iterations: 3,
                ..SubspaceOptions::default()
            };
            let both = CsrCsc::from(a.clone());
            let options = KrylovOptions {
                restarts: 0,
                ..KrylovOptions::default()
            };
            let krylov = block_krylov(&both, 6, &options).unwrap();
            (svd.svd(), subspace_iteration(&both, 6, &few).unwrap(), krylov)
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

/// Cases that once broke a law.
#[test]
fn laws_hold_where_they_once_broke() {
    let a = |seed| sparse(14, 12, 0.4, seed);
    check_sequence(
        &mut UpdatingSvd::start(&a(3104923934275745989), 3, Gkl { l: 6 }).unwrap(),
        0,
        3104923934275745989,
        3,
        1,
        0,
    );
    check_sequence(&mut start(&a(6976478340377015406), 2), 0, 6976478340377015406, 2, 1, 2);
}

/// Relative gap between value k and the next one of the dense matrix; `None` when there is next to none.
fn gap(a: &DMatrix<f64>, k: usize) -> Option<f64> {
    let (values, _) = best(a, k);
    if values.len() <= k || values[0] == 0.0 {
        return None;
    }
    let gap = (values[k - 1] - values[k]) / values[0];
    (gap > 1e-4).then_some(gap)
}
