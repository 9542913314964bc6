//! Counts over coefficients that arrive one row at a time.

use crate::error::{OscillationError, Result};
use crate::jacobi::shift;

/// Counts at some shifts while the rows of a Jacobi matrix stream by; memory O(number of shifts), whatever n.
///
/// The same counts, bit for bit, as [`Jacobi::count_below`](crate::Jacobi::count_below) and
/// [`count_at_most`](crate::Jacobi::count_at_most) of the whole matrix: those two differ only by the blocks that end
/// with a pivot that is exactly zero.
///
/// ```
/// use hadamard_oscillation::CountStream;
/// let mut stream = CountStream::new(&[-1.0, 0.0, 1.0])?;
/// for k in 0..101 {
///     stream.push(0.0, if k == 0 { 0.0 } else { -1.0 })?;
/// }
/// assert_eq!(stream.counts_below(), [33, 50, 67]);
/// assert_eq!(stream.counts_at_most(), [34, 51, 68]);
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CountStream {
    rows: usize,
    lanes: Vec<Lane>,
}

#[derive(Debug, Clone, Copy)]
struct Lane {
    x: f64,
    q: f64,
    below: usize,
    /// Zero pivots at the ends of finished blocks.
    ties: usize,
}

impl CountStream {
    /// No rows yet. Errs on unusable shifts.
    pub fn new(shifts: &[f64]) -> Result<Self> {
        let lane = |(i, &x)| {
            Ok(Lane {
                x: shift("shifts", i, x)?,
                q: 1.0,
                below: 0,
                ties: 0,
            })
        };
        Ok(Self {
            rows: 0,
            lanes: shifts.iter().enumerate().map(lane).collect::<Result<_>>()?,
        })
    }

    /// Takes the next row: its diagonal entry and its coupling to the row before (0 for the first row and where a block
    /// starts). O(number of shifts).
    ///
    /// Errs, and leaves the counts as they were, when an entry is not finite or larger than half of the largest float,
    /// or when the first row has a coupling.
    pub fn push(&mut self, diagonal: f64, coupling: f64) -> Result<()> {
        let d = shift("diagonal", self.rows, diagonal)?;
        let e = shift("coupling", self.rows, coupling)?;
        if self.rows == 0 && e != 0.0 {
            return Err(OscillationError::BadParameter {
                what: "coupling of the first row",
                value: e,
                expected: "0: there is no row before it",
            });
        }
        self.rows += 1;
        for lane in &mut self.lanes {
            let dx = d - lane.x;
            if e == 0.0 {
                lane.ties += usize::from(lane.q == 0.0);
                lane.q = dx;
            } else {
                lane.q = dx - e * (e / lane.q);
            }
            lane.below += usize::from(lane.q.is_sign_negative());
        }
        Ok(())
    }

    /// Rows taken so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers of eigenvalues < x of the leading matrix seen so far, one for each shift.
    pub fn counts_below(&self) -> Vec<usize> {
        self.lanes.iter().map(|lane| lane.below).collect()
    }

    /// Numbers of eigenvalues ≤ x of the leading matrix seen so far, one for each shift.
    pub fn counts_at_most(&self) -> Vec<usize> {
        self.lanes
            .iter()
            .map(|lane| lane.below + lane.ties + usize::from(lane.q == 0.0))
            .collect()
    }
}
