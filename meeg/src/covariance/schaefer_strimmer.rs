//! Schäfer & Strimmer, *A shrinkage approach to large-scale covariance matrix estimation*, Stat. Appl. Genet. Mol. Biol.
//! 4(1), 2005.

use nalgebra::DMatrix;

use super::{Estimate, gram, sample};

/// γ = clip(Σ_{i≠j} Var(r_ij)/Σ_{i≠j} r_ij², 0, 1); variances unbiased, covariances times 1 − γ.
pub(super) fn schaefer_strimmer(z: &DMatrix<f64>) -> Estimate {
    let t = z.nrows() as f64;
    let mut s = sample::scm(z);
    let products = gram(&z.map(|x| x * x), 1.0);
    let (mut variances, mut correlations) = (0.0, 0.0);
    for j in 0..s.ncols() {
        for i in 0..j {
            let scale = s[(i, i)] * s[(j, j)];
            if scale > 0.0 {
                variances += t / (t - 1.0).powi(3) * (products[(i, j)] - t * s[(i, j)] * s[(i, j)]) / scale;
                correlations += (t / (t - 1.0)).powi(2) * s[(i, j)] * s[(i, j)] / scale;
            }
        }
    }
    let gamma = if correlations > 0.0 {
        (variances / correlations).clamp(0.0, 1.0)
    } else {
        0.0
    };
    for j in 0..s.ncols() {
        for i in 0..s.nrows() {
            s[(i, j)] *= if i == j {
                t / (t - 1.0)
            } else {
                (1.0 - gamma) * t / (t - 1.0)
            };
        }
    }
    Estimate {
        matrix: s,
        shrinkage: Some(gamma),
        iterations: 0,
    }
}
