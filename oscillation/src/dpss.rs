//! Discrete prolate spheroidal sequences: the tapers of multitaper spectral estimates.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

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
/// The matrix is the same read backwards, so it is the sum of one of half the order on symmetric sequences and one on
/// antisymmetric ones, which take turns: tapers are symmetric to the last bit, and the eigenvalues of each half lie twice as
/// far apart.
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
    let symmetric = half(&diagonal, &off, Parity::Symmetric, count.div_ceil(2))?;
    let antisymmetric = half(&diagonal, &off, Parity::Antisymmetric, count / 2)?;
    let (mut symmetric, mut antisymmetric) = (symmetric.into_iter(), antisymmetric.into_iter());
    let tapers: Vec<Vec<f64>> = (0..count)
        .filter_map(|order| {
            if order % 2 == 0 {
                symmetric.next()
            } else {
                antisymmetric.next()
            }
        })
        .collect();
    let concentrations = tapers.iter().map(|taper| concentration(taper, angle)).collect();
    Ok(Dpss { tapers, concentrations })
}

#[derive(Clone, Copy, PartialEq)]
enum Parity {
    Symmetric,
    Antisymmetric,
}

/// The top `count` eigenvectors of one parity, the largest eigenvalue first.
///
/// With rows k and n-1-k joined to (v[k] ± v[n-1-k])/√2, an even order leaves its middle coupling on the diagonal, with the
/// sign of the parity; an odd order leaves the middle row to the symmetric half, coupled √2 times as strongly.
fn half(diagonal: &[f64], off: &[f64], parity: Parity, count: usize) -> Result<Vec<Vec<f64>>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let n = diagonal.len();
    let pairs = n / 2;
    let odd = n % 2 == 1;
    let rows = pairs + usize::from(odd && parity == Parity::Symmetric);
    let mut d = diagonal[..rows].to_vec();
    let mut e = off[..rows - 1].to_vec();
    let sign = if parity == Parity::Symmetric { 1.0 } else { -1.0 };
    if !odd {
        d[rows - 1] += sign * off[pairs - 1];
    } else if rows > pairs && pairs > 0 {
        e[pairs - 1] *= SQRT_2;
    }
    let vectors = Jacobi::new(d, e)?.eigenpairs(rows - count..)?.vectors;
    let unfold = |column: usize| {
        let half = vectors.column(column);
        let lean: f64 = match parity {
            Parity::Symmetric => half.iter().sum(),
            // The first lobe leans to the left of the centre.
            Parity::Antisymmetric => half.iter().enumerate().map(|(k, v)| v * (n - 1 - 2 * k) as f64).sum(),
        };
        let unit = FRAC_1_SQRT_2.copysign(lean);
        let mut taper = vec![0.0; n];
        for (k, v) in half.iter().take(pairs).enumerate() {
            taper[k] = unit * v;
            taper[n - 1 - k] = sign * unit * v;
        }
        if rows > pairs {
            taper[pairs] = half[pairs].copysign(half[pairs] * lean);
        }
        taper
    };
    Ok((0..count).rev().map(unfold).collect())
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
