//! The trait that every Riemannian metric on SPD(n) implements.

use nalgebra::DMatrix;

use crate::error::Result;
use crate::spd::Spd;

/// A Riemannian metric on SPD(n). Tangent vectors are symmetric matrices.
pub trait Metric: Send + Sync {
    /// Name of the metric as the literature has it, for tables and plots.
    fn name(&self) -> String;

    /// g_Σ(X, Y).
    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64>;

    /// ‖X‖_Σ = √g_Σ(X, X).
    fn norm(&self, at: &Spd, x: &DMatrix<f64>) -> Result<f64> {
        Ok(self.inner(at, x, x)?.max(0.0).sqrt())
    }

    /// Riemannian distance d(A, B).
    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64>;

    /// Exp_Σ(X), the end of the geodesic that starts at Σ with velocity X.
    ///
    /// # Errors
    /// [`Error::LeftDomain`](crate::Error::LeftDomain) with the exit time when the geodesic leaves SPD(n) before t = 1.
    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd>;

    /// Log_Σ(Λ), the velocity at Σ of the geodesic that reaches Λ at t = 1.
    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>>;

    /// γ(t) with γ(0) = A and γ(1) = B.
    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        self.exp(a, &(self.log(a, b)? * t))
    }
}
