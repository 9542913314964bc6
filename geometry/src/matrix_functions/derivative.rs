//! Matrix functions and their derivatives through one eigendecomposition, on operands that were checked.

use nalgebra::DMatrix;

use super::ScalarFunction;
use crate::eigen::SymmetricEigen;
use crate::spd::Spd;

/// f(Σ).
pub(crate) fn matrix_function(f: ScalarFunction, at: &SymmetricEigen) -> DMatrix<f64> {
    at.map(|d| f.value(d))
}

/// P ( k(d_i, d_j) ∘ PᵀXP ) Pᵀ.
pub(crate) fn double_operator(at: &SymmetricEigen, symbol: impl Fn(f64, f64) -> f64, x: &DMatrix<f64>) -> DMatrix<f64> {
    let mut inner = to_eigenbasis(at, x);
    hadamard(at, symbol, &mut inner);
    from_eigenbasis(at, &inner)
}

/// Df_Σ\[X\].
pub(crate) fn frechet(f: ScalarFunction, at: &SymmetricEigen, x: &DMatrix<f64>) -> DMatrix<f64> {
    double_operator(at, |a, b| f.divided1(a, b), x)
}

/// (Df_Σ)⁻¹\[Y\].
pub(crate) fn frechet_inverse(f: ScalarFunction, at: &SymmetricEigen, y: &DMatrix<f64>) -> DMatrix<f64> {
    double_operator(at, |a, b| f.divided1(a, b).recip(), y)
}

/// D²f_Σ\[X, Y\].
pub(crate) fn frechet2(f: ScalarFunction, at: &SymmetricEigen, x: &DMatrix<f64>, y: &DMatrix<f64>) -> DMatrix<f64> {
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

/// The L with ΣL + LΣ = X.
pub(crate) fn lyapunov(at: &Spd, x: &DMatrix<f64>) -> DMatrix<f64> {
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
