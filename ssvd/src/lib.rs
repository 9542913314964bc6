//! Truncated SVD of large sparse matrices, kept up to date as data arrive.
//!
//! A truncated SVD A ~ U diag(s) V^T of an m x n matrix keeps the k largest singular triplets. When rows E arrive, the
//! best rank-k approximation of \[U diag(s) V^T; E\] follows from a small core matrix of order k + q (q the number of
//! rows): its SVD F T G^T gives the new U, s and V. Writing U = P K with a small K, only K and the rows of P that the
//! new entries name are touched, so an update costs nothing in m and n (Deng et al., ICLR 2024).
//!
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
//! # Which method
//! - [`lanczos`] decomposes a matrix that does not change, to a tolerance; any [`Operator`] will do.
//! - [`Exact`] updates keep every direction of the new vectors: for batches up to about k vectors.
//! - [`Rpi`] and [`Gkl`] keep l directions: for larger batches. [`Adaptive`] chooses l by the energy left out.
//! - [`DenseUpdating`] holds the classical dense methods, as a reference.
//!
//! # Limits
//! Truncation before each update loses information against the SVD of all data; [`UpdatingSvd::error_bound`] sums what
//! was lost. Directions nearer to the old span than 1e-7 of a vector's length are left out. Static decompositions of
//! matrices whose entries are beyond about 1e150 in size overflow in products of vectors; scale them first.
//!
//! # References
//! H. Deng et al., Fast Updating Truncated SVD for Representation Learning with Sparse Matrices, ICLR 2024. H. Zha &
//! H. Simon, SIAM J. Sci. Comput. 21(2), 1999. E. Vecharynski & Y. Saad, SIAM J. Matrix Anal. Appl. 35(3), 2014.
//! I. Yamazaki et al., SC 2015. J. Baglama & L. Reichel, SIAM J. Sci. Comput. 27, 2005.

mod blocks;
mod checkpoint;
mod drift;
mod error;
mod lanczos;
mod operator;
mod orthogonal;
mod query;
mod read;
mod scaling;
mod simd;
mod sparse;
mod tall;
mod update;

pub use error::{Result, SsvdError};
pub use lanczos::{LanczosOptions, SolveReport, TruncatedSvd, lanczos};
pub use operator::{FnOperator, Operator, Standardized};
pub use query::Similarity;
pub use read::{read_edges, read_libsvm, read_matrix_market, read_npz, write_matrix_market};
pub use sparse::{Csr, CsrCsc};
pub use update::{
    Adaptive, Augmentation, DenseMethod, DenseUpdating, Exact, Gkl, Rpi, UpdateOptions, UpdateReport,
    UpdateTruncatedSvd, UpdatingSvd,
};
