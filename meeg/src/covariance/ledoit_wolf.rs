//! Ledoit & Wolf, *A well-conditioned estimator for large-dimensional covariance matrices*, J. Multivariate Anal. 88(2),
//! 2004.

use nalgebra::DMatrix;

use super::{Estimate, sample};

/// ρ = min(β², δ²)/δ², δ² = ‖S − μI‖²/p, β² = (Σ ‖z_t‖⁴/T − ‖S‖²)/(p T).
pub(super) fn ledoit_wolf(z: &DMatrix<f64>) -> Estimate {
    let s = sample::scm(z);
    let (p, t) = (s.nrows() as f64, z.nrows() as f64);
    let mu = s.trace() / p;
    let mut spread = s.clone();
    for i in 0..s.nrows() {
        spread[(i, i)] -= mu;
    }
    let delta = spread.norm_squared() / p;
    let mut energies = vec![0.0; z.nrows()];
    for column in z.column_iter() {
        for (energy, x) in energies.iter_mut().zip(column.iter()) {
            *energy += x * x;
        }
    }
    let fourth = energies.iter().map(|energy| energy * energy).sum::<f64>() / t;
    let beta = ((fourth - s.norm_squared()) / (p * t)).max(0.0);
    let rho = if delta > 0.0 { beta.min(delta) / delta } else { 0.0 };
    sample::shrunk(s, rho)
}
