//! Sixteen shifts side by side: enough independent divisions to hide their latency.

use rayon::prelude::*;

use super::Kernel;
use crate::real::Real;

/// Shifts that one pass over the matrix takes along. A pass with fewer shifts costs the same.
pub const LANES: usize = 16;

/// Rows after which the lane counters are emptied: below 2³², so that 32-bit counters cannot overflow.
const ROWS: usize = 1 << 30;

/// Calls `pass` with every [`LANES`] shifts and the counts that belong to them, over the threads of the current rayon pool
/// when `rows` times shifts exceeds `parallel_work`.
pub(crate) fn passes<T: Sync>(
    rows: usize,
    shifts: &[T],
    counts: &mut [usize],
    parallel_work: usize,
    pass: impl Fn(&[T], &mut [usize]) + Sync,
) {
    if shifts.len() > LANES && rows.saturating_mul(shifts.len()) > parallel_work {
        let lanes = shifts.par_chunks(LANES).zip(counts.par_chunks_mut(LANES));
        lanes.for_each(|(xs, out)| pass(xs, out));
    } else {
        let lanes = shifts.chunks(LANES).zip(counts.chunks_mut(LANES));
        lanes.for_each(|(xs, out)| pass(xs, out));
    }
}

/// Counts the negative pivots of J - x, or of x - J when `FLIP`, for [`LANES`] shifts.
pub(crate) struct CountLanes<'a, T, const FLIP: bool> {
    pub(crate) diagonal: &'a [T],
    pub(crate) couplings: &'a [T],
    pub(crate) shifts: &'a [T; LANES],
}

#[inline(always)]
fn difference<T: Real, const FLIP: bool>(d: T, x: T) -> T {
    if FLIP { x - d } else { d - x }
}

impl<T: Real, const FLIP: bool> Kernel for CountLanes<'_, T, FLIP> {
    type Output = [usize; LANES];

    #[inline(always)]
    fn run(self) -> [usize; LANES] {
        let x = *self.shifts;
        let mut q = [T::ONE; LANES];
        let mut total = [0; LANES];
        for (d, e) in self.diagonal.chunks(ROWS).zip(self.couplings.chunks(ROWS)) {
            let mut count = [T::Counter::default(); LANES];
            for (&d, &e) in d.iter().zip(e) {
                if e == T::ZERO {
                    for j in 0..LANES {
                        q[j] = difference::<T, FLIP>(d, x[j]);
                    }
                } else {
                    for j in 0..LANES {
                        q[j] = difference::<T, FLIP>(d, x[j]) - e * (e / q[j]);
                    }
                }
                for j in 0..LANES {
                    count[j] += q[j].sign_bit();
                }
            }
            for j in 0..LANES {
                let negative: u64 = count[j].into();
                total[j] += negative as usize;
            }
        }
        total
    }
}

/// Power sums of the reciprocal distances to the spectrum, and the count, at one shift.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LaguerreSums {
    pub(crate) count: usize,
    /// Σ 1/(λᵢ - x)
    pub(crate) first: f64,
    /// Σ 1/(λᵢ - x)²
    pub(crate) second: f64,
}

/// Counts the negative pivots of J - x and carries p'/p and p''/p of p = det(J - x) along, for [`LANES`] shifts.
///
/// The pivots are those of [`CountLanes`], bit for bit. The derivative terms need 1/q, taken as (e/q)(1/e): the second
/// factor is one division for all lanes, and its rounding touches only the estimate, never a count.
pub(crate) struct LaguerreLanes<'a> {
    pub(crate) diagonal: &'a [f64],
    pub(crate) couplings: &'a [f64],
    pub(crate) shifts: &'a [f64; LANES],
}

impl Kernel for LaguerreLanes<'_> {
    type Output = [LaguerreSums; LANES];

    #[inline(always)]
    fn run(self) -> [LaguerreSums; LANES] {
        let x = *self.shifts;
        let mut count = [0u64; LANES];
        // Finished blocks are in the sums. Of the current one, with p the determinant down to row k: q p'/p and q p''/p
        // (their division by q waits for the next row, which divides by q anyway), and p'/p, p''/p of row k - 1.
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        let mut q = [1.0; LANES];
        let (mut eta1, mut eta2) = ([0.0; LANES], [0.0; LANES]);
        let (mut zeta1, mut zeta2) = ([0.0; LANES], [0.0; LANES]);
        for (&d, &e) in self.diagonal.iter().zip(self.couplings) {
            if e == 0.0 {
                for j in 0..LANES {
                    let eta = eta1[j] / q[j];
                    first[j] -= eta;
                    second[j] += eta * eta - zeta1[j] / q[j];
                    q[j] = d - x[j];
                    (eta1[j], eta2[j], zeta1[j], zeta2[j]) = (-1.0, 0.0, 0.0, 0.0);
                    count[j] += q[j].to_bits() >> 63;
                }
            } else {
                let inverse = 1.0 / e;
                for j in 0..LANES {
                    let dx = d - x[j];
                    let r = e / q[j];
                    let t = e * r;
                    let i = r * inverse;
                    let (eta, zeta) = (eta1[j] * i, zeta1[j] * i);
                    q[j] = dx - t;
                    (eta1[j], zeta1[j]) = (dx * eta - 1.0 - t * eta2[j], dx * zeta - 2.0 * eta - t * zeta2[j]);
                    (eta2[j], zeta2[j]) = (eta, zeta);
                    count[j] += q[j].to_bits() >> 63;
                }
            }
        }
        std::array::from_fn(|j| {
            let eta = eta1[j] / q[j];
            LaguerreSums {
                count: count[j] as usize,
                first: first[j] - eta,
                second: second[j] + eta * eta - zeta1[j] / q[j],
            }
        })
    }
}
