//! The static solvers against dense SVDs, on every operator.

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

/// A graph with few long and many short rows, large enough for several tasks of every kernel.
fn power_law(rows: usize, cols: usize) -> Csr {
    let mut state = 1u64;
    let mut draw = |size: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let x = (state >> 11) as f64 / (1u64 << 53) as f64;
        (size as f64 * x.powi(3)) as usize
    };
    Csr::from_triplets(rows, cols, (0..60_000).map(|_| (draw(rows), draw(cols), 1.0))).unwrap()
}

#[test]
fn threads_do_not_change_a_bit_of_the_static_solver() {
    let a = power_law(9000, 5000);
    for a in [a.transpose(), a] {
        let both = CsrCsc::from(a.clone());
        let solve = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| lanczos(&both, 12, &LanczosOptions::default())).unwrap()
        };
        let (one, two) = (solve(1), solve(2));
        assert!(one.converged);
        assert_eq!(one, two);
        assert_sound(&one.svd, 1e-12);
        // The tolerance 1e-10 and the rounding of the products in the report.
        let residuals = one.svd.residuals(&a).unwrap();
        assert!(
            residuals.iter().all(|r| *r <= 1.001e-10 * one.svd.s[0]),
            "{residuals:?}"
        );
        // A basis on one side needs (m + n) x basis doubles at most, working vectors included.
        assert!(one.memory <= 8 * (9000 + 5000) * (6 * 12 + 64));
    }
}

/// Singular values that A^T A cannot resolve: the solver notices and takes its second way.
#[test]
fn small_singular_values_keep_their_accuracy() {
    let entries = |i: usize| [(i, i, 10f64.powf(-0.5 * i as f64)), (i + 300, i, 0.0)];
    let a = Csr::from_triplets(700, 300, (0..300).flat_map(entries)).unwrap();
    for k in [3, 8, 11, 14, 20] {
        let report = lanczos(&a, k, &LanczosOptions::default()).unwrap();
        assert!(report.converged && report.svd.s.len() == k);
        for (i, s) in report.svd.s.iter().enumerate() {
            // Weyl: within the residual; quadratically where it is separated.
            assert!((s - 10f64.powf(-0.5 * i as f64)).abs() <= 1e-10, "{s} at {i}");
        }
        assert_sound(&report.svd, 1e-13);
    }
}

/// Squares that leave the range of f64 are no reason to fail.
#[test]
fn scales_do_not_matter() {
    let a = power_law(900, 700);
    let expected = lanczos(&a, 4, &LanczosOptions::default()).unwrap();
    for power in [-400, -120, 120, 400] {
        let factor = 2f64.powi(power);
        let found = lanczos(&a.scaled(factor).unwrap(), 4, &LanczosOptions::default()).unwrap();
        assert!(found.converged);
        for (s, t) in found.svd.s.iter().zip(&expected.svd.s) {
            assert!((s / factor - t).abs() <= 1e-10 * expected.svd.s[0], "2^{power}: {s}");
        }
        assert_sound(&found.svd, 1e-12);
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
