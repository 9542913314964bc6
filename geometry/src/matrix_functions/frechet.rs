//! Matrix functions and their derivatives through one eigendecomposition.

use nalgebra::DMatrix;

use super::ScalarFunction;
use crate::eigen::SymmetricEigen;
use crate::spd::Spd;

/// f(Σ) = P diag(f(d)) Pᵀ. O(n³).
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
    at.map(|d| f.value(d))
}

/// Double operator with a symmetric symbol: k_Σ(X) = P ( k(d_i, d_j) ∘ PᵀXP ) Pᵀ. O(n³).
///
/// Independent of the choice of P where eigenvalues repeat. `x` must be symmetric of the order of `at`.
pub fn double_operator(at: &SymmetricEigen, symbol: impl Fn(f64, f64) -> f64, x: &DMatrix<f64>) -> DMatrix<f64> {
    let mut inner = to_eigenbasis(at, x);
    hadamard(at, symbol, &mut inner);
    from_eigenbasis(at, &inner)
}

/// Fréchet derivative Df_Σ\[X\] = P ( f[d_i, d_j] ∘ PᵀXP ) Pᵀ (Daleckii and Kreĭn). O(n³).
///
/// ```
/// use hadamard_geometry::eigen::symmetric_eigen;
/// use hadamard_geometry::matrix_functions::{ScalarFunction, frechet};
/// use nalgebra::dmatrix;
///
/// // D log at Σ in the direction Σ is the identity, at any scale.
/// let sigma = dmatrix![2.0, 1.0; 1.0, 3.0] * 1e-26;
/// let d = frechet(ScalarFunction::Log, &symmetric_eigen(&sigma), &sigma);
/// assert!((d - dmatrix![1.0, 0.0; 0.0, 1.0]).amax() < 1e-14);
/// ```
pub fn frechet(f: ScalarFunction, at: &SymmetricEigen, x: &DMatrix<f64>) -> DMatrix<f64> {
    double_operator(at, |a, b| f.divided1(a, b), x)
}

/// Inverse of the Fréchet derivative: the X with Df_Σ\[X\] = Y. O(n³).
pub fn frechet_inverse(f: ScalarFunction, at: &SymmetricEigen, y: &DMatrix<f64>) -> DMatrix<f64> {
    double_operator(at, |a, b| f.divided1(a, b).recip(), y)
}

/// Second Fréchet derivative D²f_Σ\[X, Y\]. O(n³).
pub fn frechet2(f: ScalarFunction, at: &SymmetricEigen, x: &DMatrix<f64>, y: &DMatrix<f64>) -> DMatrix<f64> {
    let (x, y) = (to_eigenbasis(at, x), to_eigenbasis(at, y));
    let d = &at.values;
    let n = d.len();
    let mut out = DMatrix::zeros(n, n);
    for j in 0..n {
        for i in 0..=j {
            let mut sum = 0.0;
            for k in 0..n {
                sum += f.divided2(d[i], d[k], d[j]) * (x[(i, k)] * y[(k, j)] + y[(i, k)] * x[(k, j)]);
            }
            out[(i, j)] = sum;
            out[(j, i)] = sum;
        }
    }
    from_eigenbasis(at, &out)
}

/// Solution L of the Lyapunov equation ΣL + LΣ = X. O(n³).
///
/// ```
/// use hadamard_geometry::{Spd, matrix_functions::lyapunov};
/// use nalgebra::dmatrix;
///
/// let sigma = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
/// let x = dmatrix![1.0, -1.0; -1.0, 0.5];
/// let l = lyapunov(&sigma, &x);
/// assert!((sigma.matrix() * &l + &l * sigma.matrix() - x).amax() < 1e-15);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn lyapunov(at: &Spd, x: &DMatrix<f64>) -> DMatrix<f64> {
    double_operator(at.eigen(), |a, b| (a + b).recip(), x)
}

/// PᵀXP, symmetric to the last bit.
pub(crate) fn to_eigenbasis(at: &SymmetricEigen, x: &DMatrix<f64>) -> DMatrix<f64> {
    symmetrised(at.vectors.tr_mul(&(x * &at.vectors)))
}

/// PXPᵀ, symmetric to the last bit.
pub(crate) fn from_eigenbasis(at: &SymmetricEigen, x: &DMatrix<f64>) -> DMatrix<f64> {
    congruence(&at.vectors, x)
}

/// AXAᵀ for symmetric X, symmetric to the last bit.
pub(crate) fn congruence(a: &DMatrix<f64>, x: &DMatrix<f64>) -> DMatrix<f64> {
    symmetrised(a * x * a.transpose())
}

/// X_ij ← k(d_i, d_j) X_ij; the symbol is evaluated once for a pair.
pub(crate) fn hadamard(at: &SymmetricEigen, symbol: impl Fn(f64, f64) -> f64, x: &mut DMatrix<f64>) {
    let d = &at.values;
    for j in 0..d.len() {
        for i in 0..=j {
            let factor = symbol(d[i], d[j]);
            x[(i, j)] *= factor;
            if i != j {
                x[(j, i)] *= factor;
            }
        }
    }
}

/// (X + Xᵀ)/2.
pub(crate) fn symmetrised(mut x: DMatrix<f64>) -> DMatrix<f64> {
    for j in 0..x.ncols() {
        for i in 0..j {
            let mean = 0.5 * x[(i, j)] + 0.5 * x[(j, i)];
            x[(i, j)] = mean;
            x[(j, i)] = mean;
        }
    }
    x
}
