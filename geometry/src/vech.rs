//! Symmetric matrices as vectors, isometrically.

use nalgebra::{DMatrix, DVector};

use crate::error::{Error, Result};

/// Row-wise upper triangle with the off-diagonal entries times √2: ‖vech X‖ = ‖X‖ (Frobenius).
///
/// Sym(n) → ℝᴺ, N = n(n+1)/2. Only the upper triangle is read.
///
/// ```
/// use hadamard_geometry::vech::{unvech, vech};
/// use nalgebra::dmatrix;
///
/// let x = dmatrix![1.0, 2.0; 2.0, -3.0];
/// let v = vech(&x);
/// assert_eq!(v.as_slice(), &[1.0, 2.0 * 2f64.sqrt(), -3.0]);
/// assert!((v.norm() - x.norm()).abs() < 1e-15);
/// assert!((unvech(&v)? - x).amax() < 1e-15);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn vech(x: &DMatrix<f64>) -> DVector<f64> {
    let n = x.nrows().min(x.ncols());
    let mut v = DVector::zeros(n * (n + 1) / 2);
    let mut k = 0;
    for i in 0..n {
        for j in i..n {
            v[k] = if i == j {
                x[(i, i)]
            } else {
                x[(i, j)] * std::f64::consts::SQRT_2
            };
            k += 1;
        }
    }
    v
}

/// The symmetric matrix X with vech X = v.
///
/// # Errors
/// [`Error::DimensionMismatch`] when the length is not n(n+1)/2 for any n; `expected` is the next such length.
pub fn unvech(v: &DVector<f64>) -> Result<DMatrix<f64>> {
    let mut n = 0;
    while n * (n + 1) / 2 < v.len() {
        n += 1;
    }
    if n * (n + 1) / 2 != v.len() {
        return Err(Error::DimensionMismatch {
            what: "length of a vectorised symmetric matrix",
            expected: n * (n + 1) / 2,
            found: v.len(),
        });
    }
    let mut x = DMatrix::zeros(n, n);
    let mut k = 0;
    for i in 0..n {
        for j in i..n {
            let entry = if i == j {
                v[k]
            } else {
                v[k] * std::f64::consts::FRAC_1_SQRT_2
            };
            x[(i, j)] = entry;
            x[(j, i)] = entry;
            k += 1;
        }
    }
    Ok(x)
}
