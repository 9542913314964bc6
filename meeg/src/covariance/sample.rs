//! Sample covariances and shrinkage of a given intensity.

use nalgebra::DMatrix;

use super::{Estimate, gram};

/// S = Σ z zᵀ/T.
pub(super) fn scm(z: &DMatrix<f64>) -> DMatrix<f64> {
    gram(z, 1.0 / z.nrows() as f64)
}

/// T/(T − 1) · S.
pub(super) fn unbiased(z: &DMatrix<f64>) -> DMatrix<f64> {
    gram(z, 1.0 / (z.nrows() as f64 - 1.0))
}

/// (1 − ρ) S + ρ μ I.
pub(super) fn shrunk(mut s: DMatrix<f64>, rho: f64) -> Estimate {
    let target = rho * s.trace() / s.nrows() as f64;
    s *= 1.0 - rho;
    for i in 0..s.nrows() {
        s[(i, i)] += target;
    }
    Estimate {
        matrix: s,
        shrinkage: Some(rho),
        iterations: 0,
    }
}
