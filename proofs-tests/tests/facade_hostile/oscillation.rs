use hadamard::oscillation::{
    Bidiagonal, CountStream, Counting, CyclicJacobi, Interval, Jacobi, LocalCounts, Pencil, Refinement, Wronskian,
    dpss, exact, gauss_nodes, gauss_rule, models, sign_changes,
};
use nalgebra::DMatrix;

use crate::draw::{Draw, cases, finite, sound};

fn chain(draw: &mut Draw) -> Option<Jacobi> {
    let n = [1, 2, 3, 5, 8, 17, 40][draw.below(7)];
    let (n, m) = (draw.about(n), draw.about(n - 1));
    let (diagonal, mut off) = (draw.numbers(n), draw.numbers(m));
    if draw.one_in(3) {
        off.iter_mut().step_by(3).for_each(|e| *e = 0.0);
    }
    sound("Jacobi::new", Jacobi::new(diagonal, off))
}

fn shifts(draw: &mut Draw) -> Vec<f64> {
    let n = draw.below(20);
    let mut x: Vec<f64> = (0..n)
        .map(|_| {
            if draw.one_in(10) {
                draw.anything()
            } else {
                draw.number()
            }
        })
        .collect();
    if draw.one_in(2) {
        x.sort_by(f64::total_cmp);
    }
    x
}

#[test]
fn counts() {
    cases(1500, |draw| {
        let Some(j) = chain(draw) else { return };
        let (x, y, z) = (draw.number(), draw.number(), draw.anything());
        let many = shifts(draw);
        let n = j.order();
        for x in [x, z] {
            let below = sound("count_below", j.count_below(x));
            let at_most = sound("count_at_most", j.count_at_most(x));
            if let (Some(below), Some(at_most)) = (below, at_most) {
                assert!(below <= at_most && at_most <= n);
            }
            for count in [
                j.count_below_two_sided(x),
                j.count_below_segmented(x, draw.below(5)),
                j.count_below_cut_at(x, &[draw.below(n + 2), draw.below(n + 2)]),
            ] {
                assert!(sound("count", count).is_none_or(|c| c <= n));
            }
            sound("count_bracket", j.count_bracket(x));
            sound("nodes", j.nodes(x));
            finite("pruefer_angles", j.pruefer_angles(x));
        }
        sound("counts_below", j.counts_below(&many));
        sound("counts_at_most", j.counts_at_most(&many));
        sound("counts_below_by", j.counts_below_by(&many, Counting::DivisionFree));
        sound(
            "counts_below_into",
            j.counts_below_into(&many, &mut vec![0; draw.about(many.len())]),
        );
        sound("count_in", j.count_in(x..y));
        sound("count_in", j.count_in(x..=z));
        for counting in [Counting::Canonical, Counting::DivisionFree] {
            if let Some(density) = sound("density_of_states", j.density_of_states_by(&many, counting)) {
                assert!(density.density().iter().all(|d| !d.is_nan()));
            }
        }
        finite("integrated_density", j.integrated_density(&many));
        sound("gaps", j.gaps(x));
        sound("gaps", j.gaps(z));
        let (low, high) = (draw.below(n + 2), draw.below(n + 2));
        if let Some(s) = sound("spacings", j.spacings(low..high)) {
            assert!(
                s.spacings.iter().all(|x| x.is_finite()) && s.mean.is_finite(),
                "spacings"
            );
            assert!(s.mean_ratio.is_none_or(f64::is_finite), "mean ratio");
        }
        if let Ok(mut stream) = CountStream::new(&many) {
            for _ in 0..draw.below(6) {
                sound("push", stream.push(draw.number(), draw.number()));
            }
            let _ = (stream.rows(), stream.counts_below(), stream.counts_at_most());
        }
        let single: Vec<f32> = draw.numbers(n).iter().map(|&x| x as f32).collect();
        let off: Vec<f32> = draw.numbers(n.saturating_sub(1)).iter().map(|&x| x as f32).collect();
        if let Some(j) = sound("Jacobi<f32>", Jacobi::<f32>::new(single, off)) {
            sound("count_below", j.count_below(x as f32));
            sound("gershgorin", Ok::<_, String>(j.gershgorin()));
        }
    });
}

#[test]
fn eigenvalues_and_vectors() {
    cases(700, |draw| {
        let Some(j) = chain(draw) else { return };
        let n = j.order();
        let k = draw.below(n + 1);
        finite("eigenvalue", j.eigenvalue(k));
        finite("eigenvalue_bracket", j.eigenvalue_bracket(k));
        let (low, high) = (draw.below(n + 2), draw.below(n + 2));
        for refinement in [Refinement::Section, Refinement::Laguerre] {
            if let Some(values) = finite("eigenvalues", j.eigenvalues_by(low..high, refinement)) {
                assert!(values.windows(2).all(|w| w[0] <= w[1]));
            }
        }
        finite("eigenvalues_in", j.eigenvalues_in(draw.number()..draw.number()));
        if let Some(pairs) = sound("eigenpairs", j.eigenpairs(low..high)) {
            assert!(pairs.values.iter().all(|x| x.is_finite()), "eigenpairs: values");
            assert!(pairs.vectors.iter().all(|x| x.is_finite()), "eigenpairs: vectors");
            assert!(pairs.residuals.iter().all(|x| x.is_finite()), "eigenpairs: residuals");
            pairs.vectors.column_iter().for_each(|c| {
                sign_changes(c.as_slice());
            });
        }
        let mass = draw.parameter();
        for rule in [gauss_rule(&j, mass), gauss_nodes(&j, mass, low..high)] {
            if let Some(rule) = sound("gauss_rule", rule) {
                assert!(
                    rule.nodes.iter().chain(&rule.weights).all(|x| x.is_finite()),
                    "gauss_rule"
                );
            }
        }
        let _ = (
            j.negated(),
            j.reversed(),
            j.blocks().count(),
            j.first_split(),
            j.coupling_radius(),
        );
        sound("block", j.block(low..high));
        sound("scaled", j.scaled(draw.below(4000) as i32 - 2000));
        let m = draw.about(n);
        let dense = draw.matrix(n, m);
        sound("from_symmetric", Jacobi::from_symmetric(&dense));
        sound("from_symmetric", Jacobi::from_symmetric(&j.to_dense()));
    });
}

#[test]
fn pairs_of_matrices() {
    cases(700, |draw| {
        let (Some(a), Some(b)) = (chain(draw), chain(draw)) else {
            return;
        };
        let other = if draw.one_in(3) {
            b
        } else {
            a.block(0..a.order()).expect("the whole")
        };
        let (x, y) = (draw.number(), draw.anything());
        for (x, y) in [(x, x), (x, y)] {
            for w in [
                Wronskian::right_left(&a, x, &other, y),
                Wronskian::left_right(&a, x, &other, y),
            ] {
                if let Some(w) = sound("Wronskian", w) {
                    for interval in [
                        Interval::Open,
                        Interval::Closed,
                        Interval::ClosedOpen,
                        Interval::OpenClosed,
                    ] {
                        w.count(interval);
                    }
                    w.sign_changes().count();
                }
            }
            sound("relative_count", a.relative_count(x, &other, y, Interval::Open));
        }
        sound("spectral_shift", a.spectral_shift(&other, &shifts(draw)));
        if let Some(local) = sound("LocalCounts", LocalCounts::new(&a, x)) {
            let (k, m) = (draw.below(a.order() + 1), draw.below(4));
            let (d, e) = (draw.numbers(m), draw.numbers(m.saturating_sub(1)));
            sound("count_with", local.count_with(k, &d, &e));
            sound("critical_change", local.critical_change(k));
        }
        if let Some(pencil) = sound("Pencil", Pencil::new(a.clone(), other.clone())) {
            sound("pencil count", pencil.count_below(x));
            finite("pencil eigenvalue", pencil.eigenvalue(draw.below(pencil.order() + 1)));
        }
        let off = draw.numbers(a.order());
        if let Some(ring) = sound("CyclicJacobi", CyclicJacobi::new(a.diagonal().to_vec(), off, x)) {
            assert!(sound("ring count", ring.count_below(y)).is_none_or(|c| c <= ring.order()));
        }
        let (d, e) = (draw.numbers(a.order()), draw.numbers(a.order().saturating_sub(1)));
        if let Some(bidiagonal) = sound("Bidiagonal", Bidiagonal::new(&d, &e)) {
            sound("bidiagonal count", bidiagonal.count_below(x));
            finite("singular values", bidiagonal.singular_values(..));
        }
    });
}

/// Rational arithmetic takes its time on numbers of hundreds of digits: few and small.
#[test]
fn proofs() {
    cases(120, |draw| {
        let Some(j) = chain(draw) else { return };
        if j.order() > 6 {
            return;
        }
        let (x, y) = (draw.number(), draw.anything());
        for x in [x, y] {
            let exact = sound("count_exact", j.count_exact(x));
            let certified = sound("count_certified", j.count_certified(x));
            if let (Some(exact), Some(certified)) = (exact, certified) {
                assert_eq!((exact.below, exact.at_most), (certified.below, certified.at_most));
            }
        }
        sound("is_gap", j.is_gap(x, y));
        let n = draw.below(4);
        let whole: Vec<i64> = (0..n).map(|_| draw.below(7) as i64 - 3).collect();
        sound(
            "from_integers",
            exact::ExactJacobi::from_integers(&whole, &whole[..draw.below(n + 1)]),
        );
    });
}

#[test]
fn models_and_tapers() {
    cases(500, |draw| {
        let (n, m) = (draw.below(20), draw.below(5));
        let (p, q, r) = (draw.parameter(), draw.parameter(), draw.anything());
        let mut rng = draw.rng.clone();
        for (name, model) in [
            ("free", models::free_chain(n)),
            ("laplacian", models::laplacian(n)),
            ("neumann", models::neumann_laplacian(n)),
            ("anderson", models::anderson(n, p, &mut rng)),
            ("lloyd", models::lloyd(n, p, &mut rng)),
            ("almost_mathieu", models::almost_mathieu(n, p, q, r)),
            ("toda", models::toda(&draw.numbers(n), &draw.numbers(n))),
            ("clement", models::clement(n)),
            ("wilkinson", models::wilkinson_plus(n)),
            ("wilkinson", models::wilkinson_minus(n)),
            ("glued", models::glued_wilkinson(n, m, p)),
            ("legendre", models::legendre(n)),
            ("hermite", models::hermite(n)),
            ("laguerre", models::laguerre(n, p)),
            ("jacobi", models::jacobi_polynomials(n, p, q)),
            ("beta", models::beta_hermite(n, p, &mut rng)),
        ] {
            if let Some(j) = sound(name, model) {
                assert!(
                    j.diagonal().iter().chain(j.off_diagonal()).all(|x| x.is_finite()),
                    "{name}"
                );
            }
        }
        assert!(!models::free_eigenvalue(n, m).is_nan());
        if let Some(windows) = sound("dpss", dpss(n, p, m)) {
            finite("tapers", Ok::<_, String>(windows.tapers));
            finite("concentrations", Ok::<_, String>(windows.concentrations));
        }
        let rectangle = DMatrix::from_element(n, m, p);
        sound("from_symmetric", Jacobi::from_symmetric(&rectangle));
        sign_changes(&draw.anythings(n));
    });
}
