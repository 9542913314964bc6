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
