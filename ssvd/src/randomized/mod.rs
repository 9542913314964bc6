//! Static solvers that start from a random block: one file a method, the same report as [`crate::lanczos`].

mod krylov;
mod subspace;

pub use krylov::{KrylovOptions, block_krylov};
pub use subspace::{SubspaceOptions, subspace_iteration};

use crate::error::Result;
use crate::lanczos::{SolveReport, TruncatedSvd, from_row_major, numerical_rank};
use crate::operator::Operator;
use crate::tall::Tall;

/// What was spent on the way to a result.
struct Spent {
    iterations: usize,
    products: usize,
    memory: usize,
}

/// Rounding of residuals, in units of s_1, with bases of `p` vectors.
fn rounding(p: usize) -> f64 {
    16.0 * f64::EPSILON * (p as f64).sqrt()
}

/// The report on at most `k` triplets, with residuals from products with the vectors returned.
fn finish(
    a: &impl Operator,
    (u, s, v): (&Tall, &[f64], &Tall),
    k: usize,
    goal: f64,
    spent: Spent,
) -> Result<SolveReport> {
    let (m, n) = (a.nrows(), a.ncols());
    let rank = numerical_rank(&s[..k], m.max(n));
    let Spent {
        iterations,
        products,
        memory,
    } = spent;
    if rank == 0 {
        return Ok(SolveReport::empty(m, n, iterations, products, memory));
    }
    let svd = TruncatedSvd {
        u: from_row_major(m, rank, &u.columns(0, rank).data),
        s: s[..rank].to_vec(),
        v: from_row_major(n, rank, &v.columns(0, rank).data),
    };
    let residuals = svd.residuals(a)?;
    Ok(SolveReport {
        converged: residuals.iter().all(|&r| r <= goal * s[0]),
        residuals,
        svd,
        iterations,
        products: products + 2 * rank,
        memory,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Csr, LanczosOptions, SsvdError, lanczos};
    use nalgebra::DMatrix;

    fn graph(m: usize, n: usize) -> Csr {
        let entries = (0..6 * m).map(|e| ((e * e * 7 + e) % m, (e * 5 + e * e / 11) % n, 1.0 + (e % 7) as f64));
        Csr::from_triplets(m, n, entries).unwrap()
    }

    fn loss(x: &DMatrix<f64>) -> f64 {
        (x.transpose() * x - DMatrix::identity(x.ncols(), x.ncols())).amax()
    }

    /// Both solvers against Lanczos, on both orientations, down to bases that force restarts.
    #[test]
    fn all_static_solvers_agree() {
        for (m, n) in [(300, 220), (220, 300)] {
            let a = graph(m, n);
            let reference = lanczos(&a, 6, &LanczosOptions::default()).unwrap().svd;
            let subspace = SubspaceOptions {
                tolerance: 1e-8,
                iterations: 2000,
                ..SubspaceOptions::default()
            };
            let small = KrylovOptions {
                oversampling: 2,
                basis: 32,
                ..KrylovOptions::default()
            };
            for report in [
                subspace_iteration(&a, 6, &subspace).unwrap(),
                block_krylov(&a, 6, &KrylovOptions::default()).unwrap(),
                block_krylov(&a, 6, &small).unwrap(),
            ] {
                assert!(report.converged, "{:?} after {}", report.residuals, report.iterations);
                assert!(loss(&report.svd.u).max(loss(&report.svd.v)) < 1e-13);
                // The error of a value is at most its residual.
                for (s, t) in report.svd.s.iter().zip(&reference.s) {
                    assert!((s - t).abs() <= 1e-8 * reference.s[0], "{s} for {t}");
                }
            }
        }
    }

    #[test]
    fn blocks_find_multiplicities_and_low_ranks() {
        // Ten equal values in front of many smaller ones, and a matrix of rank 3.
        let equal = Csr::from_triplets(
            400,
            300,
            (0..300).map(|i| (i, i, if i < 10 { 2.0 } else { 1.0 / (i + 1) as f64 })),
        );
        let report = block_krylov(&equal.unwrap(), 10, &KrylovOptions::default()).unwrap();
        assert!(report.converged && report.svd.s.iter().all(|s| (s - 2.0).abs() < 1e-13));
        let low = Csr::from_triplets(
            200,
            150,
            (0..600).map(|e| (e % 200, e / 4 % 150, ((e % 3) * (e / 200)) as f64)),
        );
        let low = low.unwrap().to_dense();
        let low = low.columns(0, 3) * low.rows(0, 3);
        let low = Csr::from_dense(&low).unwrap();
        let rank = lanczos(&low, 8, &LanczosOptions::default()).unwrap().svd.s.len();
        for report in [
            subspace_iteration(&low, 8, &SubspaceOptions::default()).unwrap(),
            block_krylov(&low, 8, &KrylovOptions::default()).unwrap(),
        ] {
            assert!(report.converged && report.svd.s.len() == rank && rank <= 3);
            assert!(
                (report.svd.to_dense() - low.to_dense()).amax()
                    <= 1e-12 * (1.0 + report.svd.s.first().copied().unwrap_or(0.0))
            );
        }
        let zero = subspace_iteration(&Csr::zeros(20, 10), 3, &SubspaceOptions::default()).unwrap();
        assert!(zero.converged && zero.svd.s.is_empty());
        assert!(
            block_krylov(&Csr::zeros(90, 80), 3, &KrylovOptions::default())
                .unwrap()
                .svd
                .s
                .is_empty()
        );
    }

    /// A whole side asked for, one column, one row, entries of any size.
    #[test]
    fn edges_of_the_range() {
        let a = graph(12, 9);
        let reference = lanczos(&a, 9, &LanczosOptions::default()).unwrap().svd.s;
        for unit in [1.0, 1e-200, 1e200] {
            let a = a.scaled(unit).unwrap();
            for report in [
                subspace_iteration(&a, 9, &SubspaceOptions::default()).unwrap(),
                block_krylov(&a, 9, &KrylovOptions::default()).unwrap(),
            ] {
                assert!(report.converged, "{:?}", report.residuals);
                let same = |(s, t): (&f64, &f64)| (s / unit - t).abs() <= 1e-13 * reference[0];
                assert!(report.svd.s.iter().zip(&reference).all(same));
            }
        }
        for (m, n) in [(1, 50), (50, 1)] {
            let a = graph(m, n);
            let report = subspace_iteration(&a, 1, &SubspaceOptions::default()).unwrap();
            assert!((report.svd.s[0] - a.norm()).abs() < 1e-13 * a.norm());
        }
    }

    #[test]
    fn seeds_repeat_and_short_runs_say_so() {
        let a = graph(300, 220);
        let options = SubspaceOptions {
            iterations: 2,
            ..SubspaceOptions::default()
        };
        let one = subspace_iteration(&a, 6, &options).unwrap();
        assert_eq!(one, subspace_iteration(&a, 6, &options).unwrap());
        assert!(!one.converged && one.iterations == 2);
        let options = KrylovOptions {
            basis: 16,
            oversampling: 2,
            restarts: 0,
            ..KrylovOptions::default()
        };
        let one = block_krylov(&a, 6, &options).unwrap();
        assert_eq!(one, block_krylov(&a, 6, &options).unwrap());
        assert!(!one.converged);
    }

    #[test]
    fn impossible_requests_are_named() {
        let a = graph(30, 20);
        assert!(matches!(
            subspace_iteration(&a, 0, &SubspaceOptions::default()),
            Err(SsvdError::Rank { k: 0, .. })
        ));
        assert!(matches!(
            block_krylov(&a, 21, &KrylovOptions::default()),
            Err(SsvdError::Rank { k: 21, .. })
        ));
        let bad = SubspaceOptions {
            tolerance: f64::NAN,
            ..SubspaceOptions::default()
        };
        assert!(matches!(
            subspace_iteration(&a, 2, &bad),
            Err(SsvdError::Option { name: "tolerance", .. })
        ));
        let bad = SubspaceOptions {
            iterations: 0,
            ..SubspaceOptions::default()
        };
        assert!(matches!(
            subspace_iteration(&a, 2, &bad),
            Err(SsvdError::Option { name: "iterations", .. })
        ));
        let bad = KrylovOptions {
            basis: 13,
            ..KrylovOptions::default()
        };
        assert!(matches!(
            block_krylov(&graph(300, 200), 6, &bad),
            Err(SsvdError::Option { name: "basis", .. })
        ));
    }
}
