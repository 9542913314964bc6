//! Signs of the determinants themselves, without a division.

use super::{Kernel, LANES};

/// Rows between two normalisations: with entries scaled to at most 1 a determinant grows by at most 2 a row.
const BLOCK: usize = 64;

/// 2^-800: determinants that shrink below it within a block may have lost what decides a sign.
const DECAYED: f64 = f64::from_bits((1023 - 800) << 52);

/// Counts the sign changes of p[k] = (d - x) p[k-1] - e² p[k-2], the leading determinants of J - x, for [`LANES`] shifts.
///
/// d and e are multiplied by `scale`; `shifts` are scaled already.
pub(crate) struct DivisionFreeLanes<'a> {
    pub(crate) diagonal: &'a [f64],
    pub(crate) couplings: &'a [f64],
    pub(crate) scale: f64,
    pub(crate) shifts: &'a [f64; LANES],
}

/// Determinants, their predecessors, both up to a common positive factor, and the sign changes so far.
#[derive(Clone, Copy)]
struct State {
    now: [f64; LANES],
    before: [f64; LANES],
    changes: [u64; LANES],
}

/// max(|p|, |p'|) where a block of the matrix ends.
type Sizes = [f64; LANES];

impl State {
    /// Ends a block of the matrix. The sign bit of a zero is arbitrary: inside a block the next determinant has the
    /// sign opposite to the one before the zero, one change whatever that bit is; a zero at the end is no change.
    #[inline(always)]
    fn close(&mut self) -> Sizes {
        for j in 0..LANES {
            let zero = u64::from(self.now[j] == 0.0);
            self.changes[j] -= zero & ((self.now[j].to_bits() ^ self.before[j].to_bits()) >> 63);
        }
        self.sizes()
    }

    #[inline(always)]
    fn sizes(&self) -> Sizes {
        std::array::from_fn(|j| self.now[j].abs().max(self.before[j].abs()))
    }

    /// The first row of a block.
    #[inline(always)]
    fn open(&mut self, d: f64, x: &[f64; LANES]) {
        for j in 0..LANES {
            self.before[j] = 1.0;
            self.now[j] = d - x[j];
            self.changes[j] += self.now[j].to_bits() >> 63;
        }
    }

    /// Rows that are coupled to the row before them.
    #[inline(always)]
    fn rows(self, d: &[f64], squares: &[f64], x: &[f64; LANES]) -> Self {
        let Self {
            mut now,
            mut before,
            mut changes,
        } = self;
        for (&d, &square) in d.iter().zip(squares) {
            for j in 0..LANES {
                let next = (d - x[j]) * now[j] - square * before[j];
                changes[j] += (next.to_bits() ^ now[j].to_bits()) >> 63;
                before[j] = now[j];
                now[j] = next;
            }
        }
        Self { now, before, changes }
    }
}

impl Kernel for DivisionFreeLanes<'_> {
    type Output = [usize; LANES];

    #[inline(always)]
    fn run(self) -> [usize; LANES] {
        let mut state = State {
            now: [1.0; LANES],
            before: [1.0; LANES],
            changes: [0; LANES],
        };
        let (mut scaled, mut squares) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (d, e) in self.diagonal.chunks(BLOCK).zip(self.couplings.chunks(BLOCK)) {
            let rows = d.len();
            let mut splits = false;
            for k in 0..rows {
                scaled[k] = d[k] * self.scale;
                squares[k] = (e[k] * self.scale) * (e[k] * self.scale);
                splits |= squares[k] == 0.0;
            }
            let old = state;
            let mut least = [f64::INFINITY; LANES];
            if splits {
                for k in 0..rows {
                    if squares[k] == 0.0 {
                        let sizes = state.close();
                        least = std::array::from_fn(|j| least[j].min(sizes[j]));
                        state.open(scaled[k], self.shifts);
                    } else {
                        state = state.rows(&scaled[k..=k], &squares[k..=k], self.shifts);
                    }
                }
            } else {
                state = state.rows(&scaled[..rows], &squares[..rows], self.shifts);
            }
            let sizes = state.sizes();
            let mut decayed = [false; LANES];
            for j in 0..LANES {
                decayed[j] = sizes[j].min(least[j]) < DECAYED;
                let factor = inverse_power(sizes[j]);
                state.now[j] *= factor;
                state.before[j] *= factor;
            }
            if decayed.contains(&true) {
                rescue(&old, &mut state, &decayed, d, e, self.scale, self.shifts);
            }
        }
        state.close();
        state.changes.map(|c| c as usize)
    }
}

/// The power of two that brings a normal number into [1, 2); something finite for any other.
#[inline(always)]
pub(crate) fn inverse_power(size: f64) -> f64 {
    f64::from_bits((2046 << 52) - (size.to_bits() & (2047 << 52)))
}

/// Redoes a block by pivots, in the lanes whose determinants decayed.
#[cold]
fn rescue(old: &State, state: &mut State, decayed: &[bool; LANES], d: &[f64], e: &[f64], scale: f64, x: &[f64; LANES]) {
    for j in (0..LANES).filter(|&j| decayed[j]) {
        // A signed zero over its predecessor is the signed zero that continues the count.
        let mut q = old.now[j] / old.before[j];
        let mut changes = old.changes[j];
        for (&d, &e) in d.iter().zip(e) {
            let (dx, e) = (d * scale - x[j], e * scale);
            if e == 0.0 {
                q = dx;
            } else {
                q = dx - e * (e / q);
            }
            changes += q.to_bits() >> 63;
        }
        state.changes[j] = changes;
        (state.now[j], state.before[j]) = if q.abs() <= 1.0 {
            (q, 1.0)
        } else {
            (1f64.copysign(q), q.abs().recip())
        };
    }
}
