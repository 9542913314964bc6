//! The canonical chain of pivots for one shift, run in sixteen places at once.
//!
//! A pivot needs the one above it, so a single chain waits for one division a row. But the recurrence forgets: wherever
//! solutions grow (disorder, or a shift in a gap) two chains from different pivots come closer until they agree in every
//! bit, and then they agree for good. So sixteen segments start from guesses, side by side, and are put right
//! afterwards: each is run again from the true pivot at its start until that chain has met the guessed one. What results
//! is the one canonical count, because no pivot is taken over unless all its bits are right.

use crate::kernel::{Isa, LANES, SegmentLanes};
use crate::real::Real;

/// Rows below which one chain is as fast.
const WORTHWHILE: usize = 1 << 13;

/// Longest segment: guesses that have not met by its end do not come together fast enough to help.
const LONGEST: usize = 1 << 14;

/// Rows between two looks whether chains have met.
const STRIDE: usize = 64;

/// Number of negative pivots of J - x, or of x - J when `FLIP`.
pub(crate) fn negative_pivots<T: Real, const FLIP: bool>(diagonal: &[T], couplings: &[T], x: T) -> usize {
    let n = diagonal.len();
    if n < WORTHWHILE {
        return plain::<T, FLIP>(T::ONE, diagonal, couplings, x).1 as usize;
    }
    // A second chain beside the first costs nothing: it shows whether this matrix forgets.
    let probe = (n / 64).min(LONGEST);
    let (mut q, mut count, met) = pair::<T, FLIP>(&diagonal[..probe], &couplings[..probe], x);
    let mut row = probe;
    if met {
        let panels = (n - probe).div_ceil(LANES * LONGEST);
        let length = (n - probe) / (LANES * panels);
        for _ in 0..panels {
            let rows = row..row + LANES * length;
            match panel::<T, FLIP>(q, &diagonal[rows.clone()], &couplings[rows.clone()], x) {
                Some((last, negative)) => {
                    q = last;
                    count += negative;
                    row = rows.end;
                }
                None => break,
            }
        }
    }
    (count + plain::<T, FLIP>(q, &diagonal[row..], &couplings[row..], x).1) as usize
}

#[inline(always)]
fn pivot<T: Real, const FLIP: bool>(d: T, e: T, x: T, above: T) -> T {
    let dx = if FLIP { x - d } else { d - x };
    if e == T::ZERO { dx } else { dx - e * (e / above) }
}

/// Last pivot and number of negative ones of the rows below the pivot `q`.
pub(crate) fn plain<T: Real, const FLIP: bool>(mut q: T, diagonal: &[T], couplings: &[T], x: T) -> (T, u64) {
    let mut count = 0u64;
    for (&d, &e) in diagonal.iter().zip(couplings) {
        q = pivot::<T, FLIP>(d, e, x, q);
        count += q.sign_bit().into();
    }
    (q, count)
}

/// Equal in every bit, for numbers.
pub(crate) fn same<T: Real>(a: T, b: T) -> bool {
    a == b && a.sign_bit().into() == b.sign_bit().into()
}

/// [`plain`] from the first row of a block, and whether a chain that starts one row later has met it.
fn pair<T: Real, const FLIP: bool>(diagonal: &[T], couplings: &[T], x: T) -> (T, u64, bool) {
    let (mut q, mut other) = (T::ONE, T::ONE / T::ZERO);
    let mut count = 0u64;
    for (k, (&d, &e)) in diagonal.iter().zip(couplings).enumerate() {
        q = pivot::<T, FLIP>(d, e, x, q);
        if k > 0 {
            other = pivot::<T, FLIP>(d, e, x, other);
        }
        count += q.sign_bit().into();
    }
    (q, count, same(q, other))
}

/// [`plain`] in [`LANES`] segments; `None` when a guess did not come right within its segment.
fn panel<T: Real, const FLIP: bool>(q: T, diagonal: &[T], couplings: &[T], x: T) -> Option<(T, u64)> {
    let length = diagonal.len() / LANES;
    let isa = Isa::best();
    let run = |above: [T; LANES], from: usize, rows: usize| {
        isa.run(SegmentLanes::<T, FLIP> {
            diagonal: &diagonal[from..],
            couplings: &couplings[from..],
            length,
            shift: x,
            above,
            rows,
        })
    };
    // The guess: as if the segment were a block of its own.
    let mut guess = [T::ONE / T::ZERO; LANES];
    guess[0] = q;
    let (ends, counts) = run(guess, 0, length);
    let mut count: u64 = counts.iter().sum();
    let mut right = ends;
    right.rotate_right(1);
    right[0] = q;
    for from in (0..length).step_by(STRIDE) {
        if right.iter().zip(&guess).all(|(&a, &b)| same(a, b)) {
            break;
        }
        let rows = STRIDE.min(length - from);
        let (guessed, too_many) = run(guess, from, rows);
        let (proved, negative) = run(right, from, rows);
        count = count + negative.iter().sum::<u64>() - too_many.iter().sum::<u64>();
        (guess, right) = (guessed, proved);
    }
    let met = right.iter().zip(&guess).all(|(&a, &b)| same(a, b));
    met.then_some((ends[LANES - 1], count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models;
    use rand::SeedableRng;

    #[test]
    fn segments_give_the_bits_of_the_single_chain() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(5);
        let mut split = models::anderson(40_000, 3.0, &mut rng).unwrap().couplings().to_vec();
        split.iter_mut().step_by(1_013).for_each(|e| *e = 0.0);
        for disorder in [0.0, 0.1, 1.0, 20.0] {
            for n in [WORTHWHILE - 1, WORTHWHILE, 20_011, 40_000] {
                let j = models::anderson(n, disorder, &mut rng).unwrap();
                for couplings in [j.couplings(), &split[..n]] {
                    for x in [-2.5, -1.0, 0.0, 0.3, 2.0, j.diagonal()[7]] {
                        let d = j.diagonal();
                        let serial = plain::<f64, false>(1.0, d, couplings, x).1 as usize;
                        assert_eq!(
                            negative_pivots::<f64, false>(d, couplings, x),
                            serial,
                            "{n}, {disorder}, {x}"
                        );
                        let serial = plain::<f64, true>(1.0, d, couplings, x).1 as usize;
                        assert_eq!(
                            negative_pivots::<f64, true>(d, couplings, x),
                            serial,
                            "{n}, {disorder}, {x}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_panel_that_does_not_forget_is_refused() {
        let n = LANES * 512;
        let (d, e) = (vec![0.0; n], vec![-1.0; n]);
        assert!(panel::<f64, false>(0.7, &d, &e, 0.31).is_none());
        let gap = panel::<f64, false>(0.7, &d, &e, 2.5).unwrap();
        assert_eq!(gap, plain::<f64, false>(0.7, &d, &e, 2.5));
    }
}
