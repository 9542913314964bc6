//! Sixteen segments of one chain side by side.

use super::{Kernel, LANES};
use crate::real::Real;

/// Rows that are gathered from all segments before they are worked on: 16 kB, which stay in the first cache.
const GATHERED: usize = 64;

/// Runs the chain of pivots of J - x (x - J when `FLIP`) through [`LANES`] segments of equal length, each from its own
/// pivot, and counts the negative ones.
pub(crate) struct SegmentLanes<'a, T, const FLIP: bool> {
    /// Rows from the first one to run through on; each segment begins `length` rows after the one before.
    pub(crate) diagonal: &'a [T],
    pub(crate) couplings: &'a [T],
    pub(crate) length: usize,
    pub(crate) shift: T,
    /// The pivots above the first rows.
    pub(crate) above: [T; LANES],
    /// Rows of each segment to run through.
    pub(crate) rows: usize,
}

impl<T: Real, const FLIP: bool> Kernel for SegmentLanes<'_, T, FLIP> {
    /// Last pivot and count of each segment.
    type Output = ([T; LANES], [u64; LANES]);

    #[inline(always)]
    fn run(self) -> Self::Output {
        let x = self.shift;
        let mut q = self.above;
        let mut count = [0u64; LANES];
        let mut d = [[T::ZERO; LANES]; GATHERED];
        let mut e = [[T::ZERO; LANES]; GATHERED];
        for start in (0..self.rows).step_by(GATHERED) {
            let rows = GATHERED.min(self.rows - start);
            for j in 0..LANES {
                let from = j * self.length + start;
                let (ds, es) = (&self.diagonal[from..from + rows], &self.couplings[from..from + rows]);
                for (k, (&dk, &ek)) in ds.iter().zip(es).enumerate() {
                    d[k][j] = dk;
                    e[k][j] = ek;
                }
            }
            let mut negative = [T::Counter::default(); LANES];
            for (d, e) in d[..rows].iter().zip(&e[..rows]) {
                for j in 0..LANES {
                    let dx = if FLIP { x - d[j] } else { d[j] - x };
                    let coupled = e[j] * (e[j] / q[j]);
                    // dx - 0 is dx bit for bit: the branch of the single chain, as a selection.
                    q[j] = dx - if e[j] == T::ZERO { T::ZERO } else { coupled };
                    negative[j] += q[j].sign_bit();
                }
            }
            for j in 0..LANES {
                count[j] += negative[j].into();
            }
        }
        (q, count)
    }
}
