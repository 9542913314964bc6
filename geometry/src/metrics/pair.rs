//! Pairs of points through their Cholesky factors and one SVD.
//!
//! Forming Σ^{-1/2} Λ Σ^{-1/2} loses half the digits at condition 1e8; the factors keep them.

use nalgebra::DMatrix;

use crate::matrix_functions::svd::{Svd, jacobi_svd};
use crate::matrix_functions::symmetrised;
use crate::spd::Spd;

/// L⁻¹B for the lower triangular L of a point.
pub(crate) fn solve_lower(at: &Spd, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut out = b.clone();
    // Pivots are positive in a validated factor, so the substitution cannot fail.
    at.cholesky().solve_lower_triangular_unchecked_mut(&mut out);
    out
}

/// L⁻¹XL⁻ᵀ for symmetric X: the tangent vector seen from the identity.
pub(crate) fn whiten_by_cholesky(at: &Spd, x: &DMatrix<f64>) -> DMatrix<f64> {
    let half = solve_lower(at, x);
    symmetrised(solve_lower(at, &half.transpose()))
}

/// L_a⁻¹ L_b = U s Vᵀ: the s² are the eigenvalues of A⁻¹B.
pub(crate) fn relative_svd(a: &Spd, b: &Spd) -> Svd {
    jacobi_svd(&solve_lower(a, b.cholesky()))
}

/// L_a⁻¹(B − A)L_a⁻ᵀ when B is so close to A that this keeps more digits than the factors: the norm is at most a tenth
/// of the least pivot over the largest.
///
/// Close entries subtract without rounding, and the solves lose a factor of κ relative to the small change; the factors
/// lose √κ relative to 1.
pub(crate) fn near(a: &Spd, b: &Spd) -> Option<DMatrix<f64>> {
    let pivots = a.cholesky().diagonal();
    let closeness = 0.1 * pivots.min() / pivots.max();
    let difference = b.matrix() - a.matrix();
    // A cheap necessary condition: ‖B − A‖ <= ‖A‖ ‖L⁻¹(B − A)L⁻ᵀ‖.
    if difference.norm() > closeness * a.matrix().norm() {
        return None;
    }
    let change = whiten_by_cholesky(a, &difference);
    (change.norm() <= closeness).then_some(change)
}

/// The factor c = bO of B that is nearest to the factor a = L_a of A, O orthogonal (Procrustes).
///
/// With bᵀa = U s Vᵀ, O = UVᵀ. c a⁻¹ is the optimal transport map from N(0, A) to N(0, B).
pub(crate) fn aligned_factor(a: &Spd, b: &Spd) -> DMatrix<f64> {
    let Svd { u, v, .. } = jacobi_svd(&b.cholesky().tr_mul(a.cholesky()));
    b.cholesky() * (u * v.transpose())
}
