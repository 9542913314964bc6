//! Eigenvalue counts in floating point.

use std::ops::{Bound, RangeBounds};

use crate::chain::negative_pivots;
use crate::error::{OscillationError, Result};
use crate::jacobi::{Jacobi, shift};
use crate::kernel::{CountLanes, Isa, passes};
use crate::real::Real;

/// Rows times shifts below which a pass is not worth a second thread.
const PARALLEL_WORK: usize = 1 << 18;

impl<T: Real> Jacobi<T> {
    /// Number of eigenvalues < x.
    ///
    /// The number of negative pivots of J - x (Sylvester). In floating point it is the exact count at some x' with
    /// |x' - x| ≤ 2.5 u R (R: [`coupling_radius`](Self::coupling_radius)), and it never decreases in x, float by
    /// float. Errs when |x| exceeds half of the largest float or is NaN. One division per row; in long matrices whose
    /// solutions grow (disorder, gaps) sixteen parts are run at once, with the same pivots bit for bit.
    ///
    /// Demmel, Dhillon and Ren, ETNA 3 (1995), on the error and the monotonicity.
    pub fn count_below(&self, x: T) -> Result<usize> {
        Ok(self.chain::<false>(shift("x", 0, x)?))
    }

    /// Number of eigenvalues ≤ x: n minus the number of negative pivots of x - J. Otherwise, errors included, as
    /// [`count_below`](Self::count_below).
    ///
    /// A float count resolves a tie only where the arithmetic happens to be exact (small integers); elsewhere both
    /// counts agree and the tie is decided by rounding. [`count_exact`](Jacobi::count_exact) decides all of them.
    pub fn count_at_most(&self, x: T) -> Result<usize> {
        Ok(self.order() - self.chain::<true>(shift("x", 0, x)?))
    }

    /// [`count_below`](Self::count_below) at many shifts: the same numbers, 16 shifts in one pass over the matrix on
    /// the widest instruction set of the machine, the passes over the threads of the current rayon pool.
    ///
    /// Errs, naming the first of them, on shifts that are NaN or beyond half of the largest float. About 0.35 ns a row and
    /// shift on one thread with AVX2.
    pub fn counts_below(&self, shifts: &[T]) -> Result<Vec<usize>> {
        let mut counts = vec![0; shifts.len()];
        self.counts_below_into(shifts, &mut counts)?;
        Ok(counts)
    }

    /// [`count_at_most`](Self::count_at_most) at many shifts; errors and cost as [`counts_below`](Self::counts_below).
    pub fn counts_at_most(&self, shifts: &[T]) -> Result<Vec<usize>> {
        let mut counts = vec![0; shifts.len()];
        self.counts_at_most_into(shifts, &mut counts)?;
        Ok(counts)
    }

    /// [`counts_below`](Self::counts_below) into the caller's memory; allocates nothing. Errs as that, and when `counts` is
    /// not as long as `shifts`.
    pub fn counts_below_into(&self, shifts: &[T], counts: &mut [usize]) -> Result<()> {
        self.counts_with::<false>(Isa::best(), shifts, counts)
    }

    /// [`counts_at_most`](Self::counts_at_most) into the caller's memory; allocates nothing. Errs as
    /// [`counts_below_into`](Self::counts_below_into).
    pub fn counts_at_most_into(&self, shifts: &[T], counts: &mut [usize]) -> Result<()> {
        self.counts_with::<true>(Isa::best(), shifts, counts)?;
        counts.iter_mut().for_each(|c| *c = self.order() - *c);
        Ok(())
    }

    /// [`counts_below_into`](Self::counts_below_into) on a given instruction set, for measurements and tests: the
    /// counts do not depend on it. Errs as that.
    pub fn counts_below_on(&self, isa: Isa, shifts: &[T], counts: &mut [usize]) -> Result<()> {
        self.counts_with::<false>(isa, shifts, counts)
    }

    /// Number of eigenvalues in an interval of any type.
    ///
    /// `a..b` is [a, b), `a..=b` is [a, b], `(Bound::Excluded(a), Bound::Included(b))` is (a, b]; open ends reach to
    /// ±∞. Errs on a reversed interval and on ends that are NaN or too large.
    ///
    /// ```
    /// use std::ops::Bound::{Excluded, Included};
    /// use hadamard_oscillation::Jacobi;
    /// let j = Jacobi::new(vec![1.0, 2.0, 3.0], vec![0.0, 0.0])?;
    /// assert_eq!(j.count_in(1.0..3.0)?, 2);
    /// assert_eq!(j.count_in(1.0..=3.0)?, 3);
    /// assert_eq!(j.count_in((Excluded(1.0), Included(3.0)))?, 2);
    /// assert_eq!(j.count_in((Excluded(1.0), Excluded(3.0)))?, 1);
    /// assert_eq!(j.count_in(2.0..)?, 2);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn count_in(&self, interval: impl RangeBounds<T>) -> Result<usize> {
        let (start, end) = self.count_ends(interval)?;
        Ok(end - start)
    }

    /// Numbers of eigenvalues to the left of the interval and up to its right end; the second is at least the first.
    pub(crate) fn count_ends(&self, interval: impl RangeBounds<T>) -> Result<(usize, usize)> {
        let (lower, upper) = (interval.start_bound().cloned(), interval.end_bound().cloned());
        let value = |bound| match bound {
            Bound::Included(x) | Bound::Excluded(x) => Some(x),
            Bound::Unbounded => None,
        };
        if let (Some(a), Some(b)) = (value(lower), value(upper))
            && a > b
        {
            return Err(OscillationError::ReversedInterval {
                lower: a.to_f64(),
                upper: b.to_f64(),
            });
        }
        let start = match lower {
            Bound::Included(a) => self.chain::<false>(shift("lower end", 0, a)?),
            Bound::Excluded(a) => self.order() - self.chain::<true>(shift("lower end", 0, a)?),
            Bound::Unbounded => 0,
        };
        let end = match upper {
            Bound::Included(b) => self.order() - self.chain::<true>(shift("upper end", 1, b)?),
            Bound::Excluded(b) => self.chain::<false>(shift("upper end", 1, b)?),
            Bound::Unbounded => self.order(),
        };
        // (a, a) holds nothing although its ends count one and the same eigenvalue in and out.
        Ok((start, end.max(start)))
    }

    /// The canonical kernel for one shift: negative pivots of J - x, or of x - J when `FLIP`.
    fn chain<const FLIP: bool>(&self, x: T) -> usize {
        negative_pivots::<T, FLIP>(self.diagonal(), self.couplings(), x)
    }

    fn counts_with<const FLIP: bool>(&self, isa: Isa, shifts: &[T], counts: &mut [usize]) -> Result<()> {
        if counts.len() != shifts.len() {
            return Err(OscillationError::LengthMismatch {
                what: "counts",
                found: counts.len(),
                expected: shifts.len(),
            });
        }
        for (index, &x) in shifts.iter().enumerate() {
            shift("shifts", index, x)?;
        }
        let pass = |xs: &[T], out: &mut [usize]| {
            // Spare lanes repeat the last shift: they cost nothing.
            let lanes = std::array::from_fn(|j| xs[j.min(xs.len() - 1)] + T::ZERO);
            let (diagonal, couplings) = (self.diagonal(), self.couplings());
            let negative = isa.run(CountLanes::<T, FLIP> {
                diagonal,
                couplings,
                shifts: &lanes,
            });
            out.copy_from_slice(&negative[..out.len()]);
        };
        passes(self.order(), shifts, counts, PARALLEL_WORK, pass);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_zero_is_zero() {
        let j = Jacobi::new(vec![-0.0, 0.0], vec![0.0]).unwrap();
        for x in [0.0, -0.0] {
            assert_eq!((j.count_below(x).unwrap(), j.count_at_most(x).unwrap()), (0, 2));
            assert_eq!(j.counts_below(&[x]).unwrap(), [0]);
        }
    }

    #[test]
    fn bad_shifts_are_refused() {
        let j = Jacobi::new(vec![1.0], vec![]).unwrap();
        for x in [f64::NAN, f64::INFINITY, f64::MIN] {
            assert!(matches!(j.count_below(x), Err(OscillationError::BadShift { .. })));
            assert!(matches!(
                j.counts_below(&[0.0, x]),
                Err(OscillationError::BadShift { index: 1, .. })
            ));
        }
        assert_eq!(
            j.count_in(2.0..1.0),
            Err(OscillationError::ReversedInterval { lower: 2.0, upper: 1.0 })
        );
        assert!(j.count_in(f64::NAN..1.0).is_err());
    }
}
