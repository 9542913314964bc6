//! Hermitian positive definite matrices, such as cross-spectra, as symmetric ones of twice the order.
//!
//! A = X + iY with its real form \[X −Y; Y X\]: products, inverses, adjoints and functions of real forms are the real forms
//! of those of the matrices, and every eigenvalue comes twice. Real forms are what J = \[0 −I; I 0\] commutes with, so they
//! are the fixed points of an isometry of every O(2n)-invariant metric, and with two points lie all geodesics, logarithms,
//! transported vectors, means and medians between them among the real forms (Kobayashi 1972, on fixed points of
//! isometries). What this crate says of symmetric matrices therefore holds for Hermitian ones, with these factors:
//!
//! | of real forms | is, of Hermitian matrices |
//! |---|---|
//! | inner product, squared distance, log det, trace | twice that |
//! | distance | √2 times that |
//! | the metric with trace term (α, β) | twice that of (α, 2β) |
//! | geodesics, exponentials, logarithms, transport, means, medians | the real form of that |
//! | sectional curvature | half of that |
//!
//! A product of real forms costs twice a complex product. [`Cholesky`](crate::metrics::Cholesky) and
//! [`LogCholesky`](crate::metrics::LogCholesky) metrics are not invariant and do not keep real forms.
//!
//! ```
//! use hadamard_geometry::hermitian::{complex_form, real_form};
//! use hadamard_geometry::metrics::AffineInvariant;
//! use hadamard_geometry::{Metric, Spd};
//! use nalgebra::{Complex, DMatrix, dmatrix};
//!
//! let c = |re: f64, im: f64| Complex::new(re, im);
//! let a = dmatrix![c(2.0, 0.0), c(0.0, 1.0); c(0.0, -1.0), c(3.0, 0.0)];
//! let identity = DMatrix::identity(2, 2);
//! let (a, b) = (Spd::try_new(real_form(&a))?, Spd::try_new(real_form(&identity))?);
//! let middle = AffineInvariant::default().geodesic(&a, &b, 0.5)?;
//! // The root of A, still Hermitian.
//! let root = complex_form(middle.matrix())?;
//! assert!((real_form(&(&root * &root)) - a.matrix()).amax() < 1e-14);
//! # Ok::<(), hadamard_geometry::Error>(())
//! ```

use nalgebra::{Complex, DMatrix};

use crate::error::{Error, Result};

/// \[X −Y; Y X\] of X + iY, whatever its shape: symmetric exactly for a Hermitian matrix, and positive definite with it, so
/// that [`Spd::try_new`](crate::Spd::try_new) checks both (an error's row or column i + n is that of i).
pub fn real_form(matrix: &DMatrix<Complex<f64>>) -> DMatrix<f64> {
    let (rows, columns) = matrix.shape();
    let mut out = DMatrix::zeros(2 * rows, 2 * columns);
    for (j, column) in matrix.column_iter().enumerate() {
        for (i, entry) in column.iter().enumerate() {
            out[(i, j)] = entry.re;
            out[(i + rows, j + columns)] = entry.re;
            out[(i + rows, j)] = entry.im;
            out[(i, j + columns)] = -entry.im;
        }
    }
    out
}

/// X + iY from \[X −Y; Y X\]. Of another matrix, that of the nearest real form in the Frobenius norm: rounding makes both
/// copies of an entry differ.
///
/// # Errors
/// [`Error::DimensionMismatch`] on an odd number of rows or columns.
pub fn complex_form(matrix: &DMatrix<f64>) -> Result<DMatrix<Complex<f64>>> {
    let (rows, columns) = matrix.shape();
    for (what, found) in [("rows of a real form", rows), ("columns of a real form", columns)] {
        if !found.is_multiple_of(2) {
            return Err(Error::DimensionMismatch {
                what,
                expected: found + 1,
                found,
            });
        }
    }
    let (m, n) = (rows / 2, columns / 2);
    Ok(DMatrix::from_fn(m, n, |i, j| {
        let [re, im] = [
            [matrix[(i, j)], matrix[(i + m, j + n)]],
            [matrix[(i + m, j)], -matrix[(i, j + n)]],
        ]
        .map(|[one, two]| 0.5 * one + 0.5 * two);
        Complex::new(re, im)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spd;

    fn example(rows: usize, columns: usize) -> DMatrix<Complex<f64>> {
        DMatrix::from_fn(rows, columns, |i, j| {
            Complex::new((i * 3 + j) as f64, (j * 5) as f64 - i as f64)
        })
    }

    #[test]
    fn products_of_real_forms_are_those_of_products() {
        let (a, b) = (example(3, 2), example(2, 4));
        assert_eq!(real_form(&(&a * &b)), real_form(&a) * real_form(&b));
        assert_eq!(real_form(&a.adjoint()), real_form(&a).transpose());
        assert_eq!(complex_form(&real_form(&a)).unwrap(), a);
    }

    #[test]
    fn the_nearest_real_form_is_the_mean_of_both_copies() {
        let m = DMatrix::from_fn(4, 4, |i, j| (i * 4 + j) as f64);
        let near = real_form(&complex_form(&m).unwrap());
        // What is left is orthogonal to all real forms.
        for direction in [example(2, 2), example(2, 2).map(|x| x * Complex::i())] {
            assert_eq!((&m - &near).dot(&real_form(&direction)), 0.0);
        }
    }

    #[test]
    fn what_is_not_hermitian_or_not_even_is_named() {
        let mut a = DMatrix::<Complex<f64>>::identity(3, 3);
        a[(1, 1)] = Complex::new(1.0, 1e-3);
        let error = Spd::try_new(real_form(&a)).unwrap_err();
        assert!(
            matches!(error, Error::NotSymmetric { row: 1, column: 4, .. }),
            "{error}"
        );
        a[(1, 1)] = Complex::new(-1.0, 0.0);
        let error = Spd::try_new(real_form(&a)).unwrap_err();
        assert!(matches!(error, Error::NotPositiveDefinite { pivot: 1, .. }), "{error}");
        let error = complex_form(&DMatrix::zeros(4, 3)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::DimensionMismatch {
                    expected: 4,
                    found: 3,
                    ..
                }
            ),
            "{error}"
        );
        assert!(complex_form(&DMatrix::zeros(0, 0)).unwrap().is_empty());
    }
}
