//! The public functions: operands are checked.

use nalgebra::DMatrix;

use super::{ScalarFunction, derivative};
use crate::eigen::SymmetricEigen;
use crate::error::Result;
use crate::metric::checked_symmetric;
use crate::spd::Spd;

/// f(Σ) = P diag(f(d)) Pᵀ. O(n³). Entries are NaN where f is not defined at an eigenvalue.
///
/// ```
/// use hadamard_geometry::eigen::symmetric_eigen;
/// use hadamard_geometry::matrix_functions::{ScalarFunction, matrix_function};
/// use nalgebra::dmatrix;
///
/// let root = matrix_function(ScalarFunction::Pow(0.5), &symmetric_eigen(&dmatrix![2.0, 1.0; 1.0, 3.0]));
/// assert!((&root * &root - dmatrix![2.0, 1.0; 1.0, 3.0]).amax() < 1e-14);
/// ```
pub fn matrix_function(f: ScalarFunction, at: &SymmetricEigen) -> DMatrix<f64> {
    derivative::matrix_function(f, at)
}

/// Double operator with a symmetric symbol: k_Σ(X) = P ( k(d_i, d_j) ∘ PᵀXP ) Pᵀ. O(n³).
///
/// Independent of the choice of P where eigenvalues repeat.
///
/// # Errors
/// X that is not square, not finite, not symmetric (to 1e-10 of its largest entry) or not of the order of Σ; here and
/// below.
pub fn double_operator(
    at: &SymmetricEigen,
    symbol: impl Fn(f64, f64) -> f64,
    x: &DMatrix<f64>,
) -> Result<DMatrix<f64>> {
    Ok(derivative::double_operator(
        at,
        symbol,
        &checked_symmetric(at.values.len(), x)?,
    ))
}

/// Fréchet derivative Df_Σ\[X\] = P ( f[d_i, d_j] ∘ PᵀXP ) Pᵀ (Daleckii and Kreĭn). O(n³).
///
/// # Errors
/// As [`double_operator`].
///
/// ```
/// use hadamard_geometry::eigen::symmetric_eigen;
/// use hadamard_geometry::matrix_functions::{ScalarFunction, frechet};
/// use nalgebra::dmatrix;
///
/// // D log at Σ in the direction Σ is the identity, at any scale.
/// let sigma = dmatrix![2.0, 1.0; 1.0, 3.0] * 1e-26;
/// let d = frechet(ScalarFunction::Log, &symmetric_eigen(&sigma), &sigma)?;
/// assert!((d - dmatrix![1.0, 0.0; 0.0, 1.0]).amax() < 1e-14);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn frechet(f: ScalarFunction, at: &SymmetricEigen, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    Ok(derivative::frechet(f, at, &checked_symmetric(at.values.len(), x)?))
}

/// Inverse of the Fréchet derivative: the X with Df_Σ\[X\] = Y. O(n³).
///
/// # Errors
/// As [`double_operator`].
pub fn frechet_inverse(f: ScalarFunction, at: &SymmetricEigen, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    Ok(derivative::frechet_inverse(
        f,
        at,
        &checked_symmetric(at.values.len(), y)?,
    ))
}

/// Second Fréchet derivative D²f_Σ\[X, Y\]. O(n³).
///
/// # Errors
/// As [`double_operator`].
pub fn frechet2(f: ScalarFunction, at: &SymmetricEigen, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    let n = at.values.len();
    Ok(derivative::frechet2(
        f,
        at,
        &checked_symmetric(n, x)?,
        &checked_symmetric(n, y)?,
    ))
}

/// Solution L of the Lyapunov equation ΣL + LΣ = X. O(n³).
///
/// # Errors
/// As [`double_operator`].
///
/// ```
/// use hadamard_geometry::{Spd, matrix_functions::lyapunov};
/// use nalgebra::dmatrix;
///
/// let sigma = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
/// let x = dmatrix![1.0, -1.0; -1.0, 0.5];
/// let l = lyapunov(&sigma, &x)?;
/// assert!((sigma.matrix() * &l + &l * sigma.matrix() - x).amax() < 1e-15);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn lyapunov(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    Ok(derivative::lyapunov(at, &checked_symmetric(at.order(), x)?))
}
