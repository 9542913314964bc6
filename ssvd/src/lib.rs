//! Truncated SVD of large sparse matrices, kept up to date as data arrive.
//!
//! # The idea
//! A truncated SVD A ≈ U diag(s) Vᵀ of an m × n matrix keeps the k largest singular triplets: the best rank-k
//! approximation in every unitarily invariant norm. When q rows E arrive,
//!
//! ```text
//! (I − V Vᵀ) Eᵀ = Q R,     M = [ diag(s)  0  ]  = F diag(t) Gᵀ,     U ← [U 0; 0 I] F,   s ← t,   V ← [V Q] G
//!                              [  E V     Rᵀ ]
//! ```
//!
//! is the best rank-k approximation of \[U diag(s) Vᵀ; E\] after an SVD of order k + q (Zha and Simon 1999). That rewrites
//! all of U and V. Here U = P K and V = L H with small K and H: an update multiplies K and H (k × k) and touches only those
//! rows of P and L that the entries of E name, and Q is never formed but kept as a sparse part minus V times a small
//! matrix (Deng et al. 2024). So an update costs nothing in m and n. Columns, low rank D Eᵀ, changed entries and deletions
//! are the same with the sides exchanged or both at once. The second half of the rows of a matrix in ten batches:
//!
#![doc = include_str!("../docs/streamed_svd.svg")]
//!
//! # Quick start
//! ```
//! use hadamard_ssvd::*;
//!
//! let a = Csr::from_triplets(4, 3, [(0, 0, 2.0), (1, 1, 1.0), (2, 0, 1.0), (3, 2, 3.0)])?;
//! let mut svd = UpdatingSvd::start(&a, 2, Exact)?;
//! svd.add_rows(&Csr::from_triplets(1, 3, [(0, 2, 4.0)])?)?; // a new row
//! svd.change_entries(&[(1, 1, 0.5)])?; // one entry changed
//! svd.remove_rows(&[0])?; // a row deleted
//! assert_eq!((svd.nrows(), svd.ncols()), (4, 3));
//! assert!((svd.singular_values()[0] - 5.0).abs() < 1e-14);
//! # Ok::<(), SsvdError>(())
//! ```
//!
//! # How to choose
//! | wanted | take |
//! |---|---|
//! | the SVD of a matrix that does not change | [`lanczos`], to a tolerance; any [`Operator`] will do |
//! | few digits in few passes over the matrix, or values of high multiplicity | [`subspace_iteration`], [`block_krylov`]: from a random block |
//! | updates by up to about k vectors at a time | [`Exact`]: every direction of the new vectors is kept |
//! | larger batches | [`Rpi`] (random power iteration) or [`Gkl`] (Golub-Kahan-Lanczos): l directions are kept |
//! | larger batches to an accuracy | [`Adaptive`]: l by the energy left out |
//! | the classical dense methods, to compare with | [`DenseUpdating`] |
//! | principal components | [`Standardized`] columns into [`lanczos`]; of a stream, [`TruncatedSvd::principal_components`] |
//! | nearest rows, largest entries of a row, rows not seen before | [`TruncatedSvd::nearest_rows`], [`TruncatedSvd::top_entries`], [`TruncatedSvd::project_rows`]; the same of an [`UpdatingSvd`] without its full factors |
//! | rows and columns by the names they have outside | [`Keyed`] |
//! | a stream that does not fit into memory | [`UpdatingSvd`] with rows from an iterator; checkpoints between |
//!
//! All directions (l at least the rank of a batch) make [`Rpi`] and [`Gkl`] equal to [`Exact`].
//!
//! # What holds
//! - One exact update is the best rank-k approximation of the matrix it was given, the truncated one before included
//!   (Zha and Simon 1999); when nothing was truncated, of all data.
//! - Appended rows never lower a singular value: sᵢ(old) ≤ sᵢ(new), sᵢ(new)² ≤ sᵢ(old)² + ‖E‖₂² (Weyl).
//! - What truncation lost is summed by [`UpdatingSvd::error_bound`].
//!
//! # Costs
//! An update with q vectors of z entries in p rows: O(z(k + q) + p r k + (k + q)(k + r)² + k³), r ≤ q the directions kept;
//! memory (m + n) k numbers. When the condition of K or H passes a limit the long factors are multiplied out, O((m + n)
//! k²), which happens once in many updates. [`lanczos`]: two products with A for every vector of the basis,
//! passes over the basis at about every fourth step, and the Ritz vectors.
//!
//! # Other crates
//! Features `sprs`, `nalgebra-sparse` and `faer-sparse` convert their sparse matrices to [`Csr`] (`TryFrom`) and back
//! (`From`, for `nalgebra-sparse` `TryFrom`): compressed rows are moved without a copy, compressed columns transposed.
//!
//! # Limits
//! Truncation before each update loses information against the SVD of all data. Directions nearer to the old span than
//! 1e-7 of a vector's length are left out. Real numbers in `f64`: matrices whose squares leave its range are decomposed
//! in another unit; energies (squares) of such matrices overflow to infinity or vanish where a report names them, values,
//! vectors and error bounds do not.
//!
//! # Statements, sources, tests
//! Laws are those of `proofs-tests/tests/ssvd_laws.rs` of the source repository, which is not part of this package.
//! Numbers of Deng et al. are second-hand, from a review of the paper, and were not compared with the paper itself.
//!
//! | statement | in the literature | test |
//! |---|---|---|
//! | A_k is the best approximation of rank k (Eckart and Young) | Golub and Van Loan 2013, Theorem 2.4.8 | laws 1, 22 |
//! | an update by all new directions is the best rank-k approximation of what it was given | Zha and Simon 1999 | laws 1, 7 |
//! | appended rows or columns never lower a singular value | Golub and Van Loan 2013, Corollary 8.6.3 | law 14 |
//! | sᵢ(new)² ≤ sᵢ(old)² + ‖E‖₂² (Weyl, for AᵀA + EᵀE) | Golub and Van Loan 2013, Theorem 8.1.5 | law 14 |
//! | new directions as a sparse part minus V times a small matrix, with products and sums at the cost of the entries | Deng et al. 2024, Definition 1 and Lemmas 1, 2 | law 19 |
//! | orthogonalising them | Deng et al. 2024, Lemma 3; here pivoted Cholesky instead of Gram-Schmidt | law 19 |
//! | U = P K, where an update multiplies K and touches few rows of P | Deng et al. 2024, Section 3.2 | laws 16, 17 |
//! | an update costs nothing in m and n | Deng et al. 2024, Theorem 1 | `ssvd/benches/versus.rs`; `peers/` |
//! | fewer directions by Golub-Kahan-Lanczos or random power iteration; with enough of them exact | Deng et al. 2024, Section 3.3; Vecharynski and Saad 2014 | law 13 |
//! | errors of all truncations add up to a bound | triangle inequality | laws 15, 23 |
//!
//! # References
//! - H. Deng, Y. Yang, J. Li, C. Chen, W. Jiang, S. Pu, Fast updating truncated SVD for representation learning with
//!   sparse matrices, ICLR 2024, arXiv 2401.09703.
//! - H. Zha, H. Simon, On updating problems in latent semantic indexing, SIAM J. Sci. Comput. 21(2), 1999.
//! - G. Golub, C. Van Loan, Matrix computations, 4th edition, 2013.
//! - E. Vecharynski, Y. Saad, Fast updating algorithms for latent semantic indexing, SIAM J. Matrix Anal. Appl. 35(3),
//!   2014 ([`Gkl`]); I. Yamazaki, J. Kurzak, P. Luszczek, J. Dongarra, SC 2015 ([`Rpi`]).
//! - J. Baglama, L. Reichel, Augmented implicitly restarted Lanczos bidiagonalization methods, SIAM J. Sci. Comput. 27,
//!   2005 ([`lanczos`]).

mod bidiagonal;
mod blocks;
mod checkpoint;
mod drift;
mod error;
#[cfg(any(feature = "faer-sparse", feature = "nalgebra-sparse", feature = "sprs"))]
mod interop;
mod inverse;
mod keyed;
mod lanczos;
mod normal;
mod operator;
mod orthogonal;
mod packed;
mod pca;
mod query;
mod randomized;
mod read;
mod replace;
mod scaling;
mod simd;
mod sparse;
mod stretch;
mod symmetric;
mod tall;
mod tridiagonal;
mod update;

pub use error::{Result, SsvdError};
pub use keyed::{Key, Keyed, Keys};
pub use lanczos::{LanczosOptions, SolveReport, TruncatedSvd, lanczos};
pub use operator::{FnOperator, Operator, Standardized, Transposed};
pub use pca::Pca;
pub use query::Similarity;
pub use randomized::{KrylovOptions, SubspaceOptions, block_krylov, subspace_iteration};
pub use read::{
    LabelledRow, libsvm_rows, read_edges, read_libsvm, read_matrix_market, read_npz, write_matrix_market, write_npz,
};
pub use sparse::{Csr, CsrCsc};
pub use update::{
    Adaptive, Augmentation, DenseMethod, DenseUpdating, Exact, Gkl, Rpi, UpdateOptions, UpdateReport,
    UpdateTruncatedSvd, UpdatingSvd,
};

/// The example of the README, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
