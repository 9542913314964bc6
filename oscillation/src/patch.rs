//! Counts after a local change of the matrix, in time proportional to the change.

use crate::error::{OscillationError, Result};
use crate::jacobi::{Jacobi, finite, shift};

/// The pivots of J - x from both ends, kept so that a change of w rows is recounted in O(w).
///
/// The Wronskian of the old and the new matrix is constant outside the changed rows, so the pivots f (downwards) above
/// and g (upwards) below stay valid, and with them their counts:
///
/// ```text
/// #{λ < x} = #{f[..p] < 0} + #{new pivots of rows p..=r, the last one less e[r]²/g[r+1], < 0} + #{g[r+1..] < 0}
/// ```
///
/// ```
/// use hadamard_oscillation::{Jacobi, LocalCounts};
/// let chain = Jacobi::new(vec![0.0; 1000], vec![-1.0; 999])?;
/// let local = LocalCounts::new(&chain, 2.0)?;
/// assert_eq!(local.count_with(499, &[1.5, 0.0], &[-1.0])?, 999); // one state leaves the band upwards
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LocalCounts<'a> {
    j: &'a Jacobi,
    x: f64,
    down: Vec<f64>,
    up: Vec<f64>,
    /// `before[k]`: negative ones among `down[..k]`.
    before: Vec<usize>,
    /// `after[k]`: negative ones among `up[k..]`.
    after: Vec<usize>,
}

/// e²/q with e = 0 allowed for any q.
fn coupled(e: f64, q: f64) -> f64 {
    if e == 0.0 { 0.0 } else { e * (e / q) }
}

impl<'a> LocalCounts<'a> {
    /// Pivots at x from both ends. Errs on an unusable x. O(n) time and memory.
    pub fn new(j: &'a Jacobi, x: f64) -> Result<Self> {
        let x = shift("x", 0, x)?;
        let (d, e, n) = (j.diagonal(), j.couplings(), j.order());
        let mut down = vec![0.0; n];
        let mut before = vec![0; n + 1];
        for k in 0..n {
            down[k] = (d[k] - x) - if k == 0 { 0.0 } else { coupled(e[k], down[k - 1]) };
            before[k + 1] = before[k] + usize::from(down[k].is_sign_negative());
        }
        let mut up = vec![0.0; n];
        let mut after = vec![0; n + 1];
        for k in (0..n).rev() {
            up[k] = (d[k] - x) - if k + 1 == n { 0.0 } else { coupled(e[k + 1], up[k + 1]) };
            after[k] = after[k + 1] + usize::from(up[k].is_sign_negative());
        }
        Ok(Self {
            j,
            x,
            down,
            up,
            before,
            after,
        })
    }

    /// The shift that the pivots belong to.
    pub fn shift(&self) -> f64 {
        self.x
    }

    /// Number of eigenvalues < x after rows `first..first + diagonal.len()` get the entries `diagonal` and the
    /// couplings between those rows the entries `off_diagonal` (one fewer).
    ///
    /// Errs when a row is out of range, lengths do not fit or an entry is not finite or too large. O(w).
    pub fn count_with(&self, first: usize, diagonal: &[f64], off_diagonal: &[f64]) -> Result<usize> {
        let (count, gamma) = self.last_pivot(first, diagonal, off_diagonal)?;
        Ok(count + usize::from(gamma.is_sign_negative()))
    }

    /// By how much `d[row]` has to change for an eigenvalue to lie exactly at x: the pivot γ of that row against both
    /// ends is linear in `d[row]` with slope 1, so -γ. Infinite when the row is decoupled from x.
    ///
    /// Errs when the row is out of range. O(1).
    pub fn critical_change(&self, row: usize) -> Result<f64> {
        let entry = *self.j.diagonal().get(row).ok_or(self.out_of_range(row))?;
        Ok(-self.last_pivot(row, &[entry], &[])?.1)
    }

    fn out_of_range(&self, row: usize) -> OscillationError {
        OscillationError::IndexOutOfRange {
            what: "row",
            index: row,
            len: self.j.order(),
        }
    }

    fn last_pivot(&self, first: usize, diagonal: &[f64], off_diagonal: &[f64]) -> Result<(usize, f64)> {
        let n = self.j.order();
        if diagonal.is_empty() {
            return Err(OscillationError::EmptyRange {
                start: first,
                end: first,
            });
        }
        if diagonal.len() > n || first > n - diagonal.len() {
            return Err(self.out_of_range(first.saturating_add(diagonal.len() - 1)));
        }
        if off_diagonal.len() != diagonal.len() - 1 {
            return Err(OscillationError::LengthMismatch {
                what: "off_diagonal",
                found: off_diagonal.len(),
                expected: diagonal.len() - 1,
            });
        }
        finite("off_diagonal", off_diagonal)?;
        let e = self.j.couplings();
        let mut count = self.before[first];
        let mut q = 0.0;
        for (i, &d) in diagonal.iter().enumerate() {
            let dx = shift("diagonal", i, d)? - self.x;
            q = if i > 0 {
                count += usize::from(f64::is_sign_negative(q));
                dx - coupled(off_diagonal[i - 1], q)
            } else if first > 0 {
                dx - coupled(e[first], self.down[first - 1])
            } else {
                dx
            };
        }
        let below = first + diagonal.len();
        let gamma = if below < n {
            q - coupled(e[below], self.up[below])
        } else {
            q
        };
        Ok((count + self.after[below], gamma))
    }
}
