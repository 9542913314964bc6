//! Symmetric eigendecompositions and matrix functions, one matrix or a batch at a time.
//!
//! Batches of small matrices are solved side by side: each lane of a vector register holds the same entry of another
//! matrix, and Householder tridiagonalisation and implicit QL run in lockstep. Medium ones lie across the registers one
//! after the other, and only their tridiagonal forms are iterated in lockstep. Logarithms and square roots of positive
//! definite matrices need no eigenvectors: partial fractions of the tridiagonal form. The instruction set is chosen at run
//! time (AVX-512, AVX2 with FMA, or what the target guarantees). Large matrices go to `faer` one by one. The result of
//! a matrix depends neither on the other matrices of the batch nor on the number of threads.

pub(crate) mod batch;
mod bidiagonal;
mod dense;
pub(crate) mod frames;
pub(crate) mod group;
mod implicit_ql;
mod jacobi;
pub(crate) mod lanes;
mod large;
mod ln;
mod log_squares;
pub(crate) mod partial_fractions;
pub(crate) mod polar;
pub(crate) mod relative;
mod root_free;
mod root_trace;
mod rows;
mod transpose;
mod tridiagonal;
pub(crate) mod weighted;

use nalgebra::{DMatrix, DVector};

pub use batch::BatchEigen;
pub(crate) use group::power_of_two_scale;

/// Eigendecomposition A = P diag(d) Pᵀ of a symmetric matrix.
#[derive(Debug, Clone)]
pub struct SymmetricEigen {
    /// Eigenvalues d, ascending.
    pub values: DVector<f64>,
    /// Orthogonal P; column i belongs to `values[i]`.
    pub vectors: DMatrix<f64>,
}

impl SymmetricEigen {
    /// f(A) = P diag(f(d)) Pᵀ, symmetric to the last bit. O(n³).
    pub fn map(&self, f: impl Fn(f64) -> f64) -> DMatrix<f64> {
        let mut scaled = self.vectors.clone();
        for (mut column, &d) in scaled.column_iter_mut().zip(self.values.iter()) {
            column *= f(d);
        }
        let mut product = scaled * self.vectors.transpose();
        product.fill_lower_triangle_with_upper_triangle();
        product
    }
}

/// Largest order at which the unblocked kernel is faster for one matrix than the blocked algorithm.
const MAX_UNBLOCKED_ORDER: usize = 32;

/// Eigendecomposition of a symmetric matrix (only symmetry of `matrix` is assumed). O(n³). Panics when it is not square;
/// all numbers are NaN when an entry is not finite.
pub fn symmetric_eigen(matrix: &DMatrix<f64>) -> SymmetricEigen {
    assert!(
        matrix.is_square(),
        "an eigendecomposition of a {:?} matrix",
        matrix.shape()
    );
    if matrix.is_empty() || !matrix.iter().all(|x| x.is_finite()) {
        let n = matrix.nrows();
        return SymmetricEigen {
            values: DVector::repeat(n, f64::NAN),
            vectors: DMatrix::repeat(n, n, f64::NAN),
        };
    }
    if matrix.nrows() <= MAX_UNBLOCKED_ORDER {
        batch::single(matrix)
    } else {
        dense::eigen(matrix)
    }
}
