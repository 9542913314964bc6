//! Singular values of bidiagonal matrices, as eigenvalues of a Jacobi matrix with zero diagonal.

use std::ops::RangeBounds;

use crate::error::{OscillationError, Result};
use crate::jacobi::Jacobi;

/// An n × n upper bidiagonal matrix, through its Golub-Kahan form: the Jacobi matrix of order 2n with diagonal 0 and
/// off-diagonal q₁, r₁, q₂, r₂, ..., qₙ, whose eigenvalues are ±σ.
///
/// Counts at a zero diagonal perturb the couplings relatively and nothing else, so every singular value comes with high
/// relative accuracy, tiny ones too.
///
/// ```
/// use hadamard_oscillation::Bidiagonal;
/// let b = Bidiagonal::new(&[3.0, 1e-30], &[0.0])?;
/// assert_eq!(b.singular_values(..)?, [1e-30, 3.0]);
/// assert_eq!(b.count_below(1.0)?, 1);
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Bidiagonal {
    golub_kahan: Jacobi,
}

impl Bidiagonal {
    /// n diagonal and n - 1 superdiagonal entries. Errs as [`Jacobi::new`].
    pub fn new(diagonal: &[f64], superdiagonal: &[f64]) -> Result<Self> {
        let n = diagonal.len();
        if n == 0 {
            return Err(OscillationError::Empty);
        }
        if superdiagonal.len() != n - 1 {
            return Err(OscillationError::LengthMismatch {
                what: "superdiagonal",
                found: superdiagonal.len(),
                expected: n - 1,
            });
        }
        let mut couplings = Vec::with_capacity(2 * n - 1);
        couplings.push(diagonal[0]);
        for k in 1..n {
            couplings.extend([superdiagonal[k - 1], diagonal[k]]);
        }
        Ok(Self {
            golub_kahan: Jacobi::new(vec![0.0; 2 * n], couplings)?,
        })
    }

    /// The Jacobi matrix with eigenvalues ±σ.
    pub fn golub_kahan(&self) -> &Jacobi {
        &self.golub_kahan
    }

    /// Number of singular values < s; 0 for s ≤ 0. Errs on an unusable s. One count of order 2n.
    pub fn count_below(&self, s: f64) -> Result<usize> {
        Ok(self
            .golub_kahan
            .count_below(s)?
            .saturating_sub(self.golub_kahan.order() / 2))
    }

    /// The singular values with indices in `range`, ascending. Errs on an empty or too large range. Cost of
    /// [`Jacobi::eigenvalues`] at order 2n.
    pub fn singular_values(&self, range: impl RangeBounds<usize>) -> Result<Vec<f64>> {
        let n = self.golub_kahan.order() / 2;
        let half = self.golub_kahan.block(0..n)?;
        let range = half.indices(range)?;
        let values = self.golub_kahan.eigenvalues(range.start + n..range.end + n)?;
        // A zero singular value may come out as the float below zero, where the count still is n.
        Ok(values.into_iter().map(|v| v.max(0.0)).collect())
    }
}
