//! Discrete prolate spheroidal sequences: the tapers of multitaper spectral estimates.

use std::f64::consts::PI;

use crate::error::{OscillationError, Result};
use crate::jacobi::Jacobi;

/// Tapers of one length and bandwidth.
#[derive(Debug, Clone, PartialEq)]
pub struct Dpss {
    /// The tapers, most concentrated first, each of unit Euclidean norm. Symmetric ones have a positive sum, antisymmetric
    /// ones start with a positive lobe.
    pub tapers: Vec<Vec<f64>>,
    /// Fraction of each taper's energy within the band |f| ≤ W.
    pub concentrations: Vec<f64>,
}

/// The `count` most concentrated sequences of length n with time half-bandwidth product nw = n W (W in cycles per
/// sample).
///
/// They are the top eigenvectors of the Jacobi matrix
///
/// ```text
/// d[k] = ((n - 1 - 2k)/2)² cos 2πW,      e[k] = (k+1)(n-1-k)/2
/// ```
///
/// which commutes with the sinc kernel S(m,k) = sin 2πW(m-k) / π(m-k); the concentrations are the eigenvalues of S, read
/// off one row. Errs unless 0 < nw < n/2 and 1 ≤ count ≤ n. O(n · count).
///
/// Slepian, Bell System Technical Journal 57 (1978).
///
/// ```
/// let windows = hadamard_oscillation::dpss(512, 4.0, 7)?;
/// assert_eq!(windows.tapers.len(), 7);
/// assert!(windows.concentrations[0] > 0.999_999);
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
pub fn dpss(n: usize, nw: f64, count: usize) -> Result<Dpss> {
    if n == 0 {
        return Err(OscillationError::Empty);
    }
    let length = n as f64;
    if !(nw > 0.0 && nw < length / 2.0) {
        return Err(OscillationError::BadParameter {
            what: "nw",
            value: nw,
            expected: "between 0 and half the length",
        });
    }
    if count == 0 || count > n {
        return Err(OscillationError::BadParameter {
            what: "count",
            value: count as f64,
            expected: "at least 1 and at most the length",
        });
    }
    let angle = 2.0 * PI * nw / length;
    let diagonal: Vec<f64> = (0..n)
        .map(|k| ((length - 1.0 - 2.0 * k as f64) / 2.0).powi(2) * angle.cos())
        .collect();
    let off: Vec<f64> = (1..n).map(|k| k as f64 * (length - k as f64) / 2.0).collect();
    let pairs = Jacobi::new(diagonal, off)?.eigenpairs(n - count..)?;
    let mut tapers = Vec::with_capacity(count);
    let mut concentrations = Vec::with_capacity(count);
    for order in 0..count {
        let mut taper: Vec<f64> = pairs.vectors.column(count - 1 - order).iter().copied().collect();
        let sum = if order % 2 == 0 {
            taper.iter().sum::<f64>()
        } else {
            // The first lobe leans to the left of the centre.
            taper
                .iter()
                .enumerate()
                .map(|(k, v)| v * (length - 1.0 - 2.0 * k as f64))
                .sum()
        };
        if sum < 0.0 {
            taper.iter_mut().for_each(|v| *v = -*v);
        }
        concentrations.push(concentration(&taper, angle));
        tapers.push(taper);
    }
    Ok(Dpss { tapers, concentrations })
}

/// (S v)(m) / v(m) at the entry of largest modulus.
fn concentration(v: &[f64], angle: f64) -> f64 {
    let m = (0..v.len()).fold(0, |best, k| if v[k].abs() > v[best].abs() { k } else { best });
    let kernel = |k: usize| {
        let lag = m as f64 - k as f64;
        if lag == 0.0 {
            angle / PI
        } else {
            (angle * lag).sin() / (PI * lag)
        }
    };
    v.iter().enumerate().map(|(k, &value)| kernel(k) * value).sum::<f64>() / v[m]
}
