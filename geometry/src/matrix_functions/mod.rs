//! Functions of symmetric matrices, their Fréchet derivatives, Lyapunov equations, and the SVD behind pairs of matrices.
//!
//! For a scalar f and Σ = P diag(d) Pᵀ, f(Σ) = P diag(f(d)) Pᵀ, and by Daleckii and Kreĭn
//!
//! ```text
//! Df_Σ[X]      = P ( f[d_i, d_j] ∘ PᵀXP ) Pᵀ
//! D²f_Σ[X, Y]  = P ( Σ_k f[d_i, d_k, d_j] (X'_ik Y'_kj + Y'_ik X'_kj) ) Pᵀ,   X' = PᵀXP
//! ```
//!
//! with the divided differences f[·, ·] and f[·, ·, ·] of [`ScalarFunction`], which are accurate for equal, nearly
//! equal and far arguments alike: no threshold decides whether two eigenvalues coincide.

mod checked;
pub(crate) mod derivative;
mod divided;
pub(crate) mod svd;

pub use checked::{double_operator, frechet, frechet_inverse, frechet2, lyapunov, matrix_function};
pub(crate) use derivative::{congruence, from_eigenbasis, hadamard, symmetrised, to_eigenbasis};
pub use divided::ScalarFunction;
