//! Eigenvalues to the last bit.
//!
//! The count of eigenvalues below x never decreases from one float x to the next, so
//!
//! ```text
//! λ(k) = max { x a float : count_below(x) ≤ k },      k = 0..n
//! ```
//!
//! is one well-defined float, whatever the starting interval, the method that finds it, the instruction set or the
//! number of threads. The exact k-th eigenvalue lies within 2.5 u R and one float of it.

mod driver;
mod float_key;

use std::ops::{Bound, Range, RangeBounds};

use crate::error::{OscillationError, Result};
use crate::jacobi::Jacobi;

/// How an isolated eigenvalue is refined. The result is the same float either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Refinement {
    /// Multisection alone: about 16 passes for a single eigenvalue, 52 for each of many.
    Section,
    /// Laguerre's iteration, then a few counts around its limit; multisection where it does not apply.
    ///
    /// Li and Zeng, SIAM J. Sci. Comput. 15 (1994).
    #[default]
    Laguerre,
}

impl Jacobi {
    /// The k-th eigenvalue, k = 0 the smallest: λ(k) = max { x : count_below(x) ≤ k }.
    ///
    /// Eigenvalues of diagonal matrices are returned exactly. Errs when k is not below the order. About ten passes
    /// over the matrix, O(1) memory.
    ///
    /// ```
    /// use hadamard_oscillation::Jacobi;
    /// let j = Jacobi::new(vec![2.0; 3], vec![1.0; 2])?;
    /// assert_eq!(j.eigenvalue(1)?, 2.0);
    /// assert!((j.eigenvalue(2)? - (2.0 + 2f64.sqrt())).abs() < 1e-15);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn eigenvalue(&self, k: usize) -> Result<f64> {
        OscillationError::require_index("eigenvalue", k, self.order())?;
        Ok(driver::solve(self, k..k + 1, Refinement::default())[0])
    }

    /// An interval (a, b) that is proved to contain the exact k-th eigenvalue: [`eigenvalue`](Self::eigenvalue)
    /// widened by 4 u R and one float. Errs as that.
    pub fn eigenvalue_bracket(&self, k: usize) -> Result<(f64, f64)> {
        let lambda = self.eigenvalue(k)?;
        let eta = (2.0 * f64::EPSILON * self.coupling_radius()).next_up() + f64::from_bits(1);
        Ok(((lambda - eta).next_down(), (lambda.next_up() + eta).next_up()))
    }

    /// The eigenvalues with indices in `range`, ascending, each as often as it occurs.
    ///
    /// Errs when the range is empty or reaches beyond the order. For m of n eigenvalues about
    /// (3 + log₂(n/m) + 6) n m / 16 lane passes of 5 ns; memory O(m).
    pub fn eigenvalues(&self, range: impl RangeBounds<usize>) -> Result<Vec<f64>> {
        self.eigenvalues_by(range, Refinement::default())
    }

    /// [`eigenvalues`](Self::eigenvalues) by a given refinement: the same floats, the same errors.
    pub fn eigenvalues_by(&self, range: impl RangeBounds<usize>, refinement: Refinement) -> Result<Vec<f64>> {
        let range = self.indices(range)?;
        Ok(driver::solve(self, range, refinement))
    }

    /// The eigenvalues in an interval of any type, ascending; as many as [`count_in`](Jacobi::count_in) says. Errs as
    /// that.
    ///
    /// ```
    /// use hadamard_oscillation::Jacobi;
    /// let j = Jacobi::new(vec![1.0, 2.0, 3.0], vec![0.0, 0.0])?;
    /// assert_eq!(j.eigenvalues_in(1.0..3.0)?, [1.0, 2.0]);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn eigenvalues_in(&self, interval: impl RangeBounds<f64>) -> Result<Vec<f64>> {
        let (start, end) = self.count_ends(interval)?;
        Ok(driver::solve(self, start..end, Refinement::default()))
    }

    pub(crate) fn indices(&self, range: impl RangeBounds<usize>) -> Result<Range<usize>> {
        let start = match range.start_bound() {
            Bound::Included(&k) => k,
            Bound::Excluded(&k) => k.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&k) => k.saturating_add(1),
            Bound::Excluded(&k) => k,
            Bound::Unbounded => self.order(),
        };
        if start >= end {
            return Err(OscillationError::EmptyRange { start, end });
        }
        OscillationError::require_index("eigenvalue", end - 1, self.order())?;
        Ok(start..end)
    }
}
