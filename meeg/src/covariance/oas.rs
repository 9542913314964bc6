//! Oracle-approximating shrinkage.
//!
//! Chen, Wiesel, Eldar & Hero, *Shrinkage algorithms for MMSE covariance estimation*, IEEE Trans. Signal Process. 58(10),
//! 2010.

use nalgebra::DMatrix;

use super::{Estimate, sample};

/// ρ = min(1, ((1 − 2/p) tr S² + (tr S)²)/((T + 1 − 2/p)(tr S² − (tr S)²/p))), equation (23).
pub(super) fn chen(z: &DMatrix<f64>) -> Estimate {
    shrink(z, 2.0 / z.ncols() as f64)
}

/// The same without the two terms 2/p.
pub(super) fn sklearn(z: &DMatrix<f64>) -> Estimate {
    shrink(z, 0.0)
}

fn shrink(z: &DMatrix<f64>, dropped: f64) -> Estimate {
    let s = sample::scm(z);
    let p = s.nrows() as f64;
    let trace = s.trace();
    let squares = s.norm_squared();
    let numerator = (1.0 - dropped) * squares + trace * trace;
    let denominator = (z.nrows() as f64 + 1.0 - dropped) * (squares - trace * trace / p);
    let rho = match s.nrows() {
        // A single variance is its own target.
        1 => 0.0,
        _ if denominator <= 0.0 => 1.0,
        _ => (numerator / denominator).min(1.0),
    };
    sample::shrunk(s, rho)
}
