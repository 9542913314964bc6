//! Counts without divisions: the fastest ones, right to an absolute error.

use rayon::prelude::*;

use crate::chain::{plain, same};
use crate::error::{OscillationError, Result};
use crate::jacobi::{Jacobi, shift};
use crate::kernel::{DivisionFreeLanes, Isa, inverse_power, passes};

/// Which recurrence counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counting {
    /// Pivots: monotone in x, right within 2.5 u R of x.
    #[default]
    Canonical,
    /// Determinants: about one and a half times as fast, right within a few u (‖J‖ + |x|) of x, not monotone float by float.
    DivisionFree,
}

/// Shifts times rows below which a second thread does not pay.
const PARALLEL_WORK: usize = 1 << 19;

/// Rows between two normalisations of a segment's determinants.
const BLOCK: usize = 64;

impl Jacobi {
    /// Number of eigenvalues < x at many shifts by the recurrence that is asked for;
    /// [`Counting::Canonical`] is [`counts_below`](Jacobi::counts_below).
    ///
    /// Without divisions the signs of the leading determinants of J - x are compared,
    ///
    /// ```text
    /// p[k] = (d[k] - x) p[k-1] - e[k-1]² p[k-2],      #{λ < x} = #{k : p[k] p[k-1] < 0}
    /// ```
    ///
    /// scaled by a power of two so that they cannot overflow, and taken over by pivots for 64 rows where they decay.
    /// Use it for curves (densities of states, spectral shifts): next to an eigenvalue a count may be off, and drop from one
    /// float x to the next. Errs as [`counts_below`](Jacobi::counts_below). About 0.24 ns a row and shift.
    ///
    /// ```
    /// use hadamard_oscillation::{Counting, models};
    /// let chain = models::free_chain(1000)?;
    /// assert_eq!(chain.counts_below_by(&[-1.0, 0.5], Counting::DivisionFree)?, chain.counts_below(&[-1.0, 0.5])?);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn counts_below_by(&self, shifts: &[f64], counting: Counting) -> Result<Vec<usize>> {
        match counting {
            Counting::Canonical => self.counts_below(shifts),
            Counting::DivisionFree => self.counts_without_division(shifts),
        }
    }

    fn counts_without_division(&self, shifts: &[f64]) -> Result<Vec<usize>> {
        for (index, &x) in shifts.iter().enumerate() {
            shift("shifts", index, x)?;
        }
        let mut counts = vec![0; shifts.len()];
        let (low, high) = self.gershgorin();
        let scale = self.unit_scale();
        let pass = |xs: &[f64], out: &mut [usize]| {
            let lanes = std::array::from_fn(|j| (xs[j.min(xs.len() - 1)].clamp(low, high) + 0.0) * scale);
            let found = Isa::best().run(DivisionFreeLanes {
                diagonal: self.diagonal(),
                couplings: self.couplings(),
                scale,
                shifts: &lanes,
            });
            for ((&x, count), found) in xs.iter().zip(out).zip(found) {
                // Beyond Gershgorin's interval the scale would have to follow x.
                *count = match x {
                    _ if x < low => 0,
                    _ if x > high => self.order(),
                    _ => found,
                };
            }
        };
        passes(self.order(), shifts, &mut counts, PARALLEL_WORK, pass);
        Ok(counts)
    }

    /// Number of eigenvalues < x by `segments` parts of the chain, over the threads of the current rayon pool: for one
    /// shift of a huge matrix on several cores.
    ///
    /// A part from row a is seen from above only through s = `e[a-1]`²/q. With P, p the leading determinants of all its rows
    /// and of all but the first, and P', p' the same without the last row, its last pivot is
    ///
    /// ```text
    /// q(s) = (P - s p)/(P' - s p')
    /// ```
    ///
    /// so the determinants of all parts at once give the pivots at all joints, and then all parts are counted at once from
    /// those. A joint is accepted when the pivot above it comes out as foreseen, up to 4 u m ‖J‖ for parts of m rows in
    /// the pivot or in s; the part below is counted again otherwise. So the count is right within
    /// 2.5 u R + 4 u m ‖J‖ of x; it is not monotone. Errs on an unusable x and on no segments. One and a half times the work
    /// of [`count_below`](Jacobi::count_below).
    pub fn count_below_segmented(&self, x: f64, segments: usize) -> Result<usize> {
        let x = shift("x", 0, x)?;
        if segments == 0 {
            return Err(OscillationError::BadParameter {
                what: "segments",
                value: 0.0,
                expected: "at least 1",
            });
        }
        let length = self.order().div_ceil(segments);
        let cuts: Vec<usize> = (length..self.order()).step_by(length).collect();
        Ok(self.count_below_cut(x, &cuts))
    }

    /// [`count_below_segmented`](Self::count_below_segmented) with the parts given: `cuts` are the first rows of all
    /// but the first part. Errs on an unusable x and when they do not increase strictly between 0 and n.
    pub fn count_below_cut_at(&self, x: f64, cuts: &[usize]) -> Result<usize> {
        let x = shift("x", 0, x)?;
        let mut last = 0;
        for (index, &cut) in cuts.iter().enumerate() {
            if cut <= last {
                return Err(OscillationError::NotIncreasing { what: "cuts", index });
            }
            last = cut;
        }
        OscillationError::require_index("row", last, self.order())?;
        Ok(self.count_below_cut(x, cuts))
    }

    fn count_below_cut(&self, x: f64, cuts: &[usize]) -> usize {
        let (low, high) = self.gershgorin();
        if x < low {
            return 0;
        }
        if x > high {
            return self.order();
        }
        let scale = self.unit_scale();
        let (d, e) = (self.diagonal(), self.couplings());
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([self.order()]);
        let parts: Vec<_> = starts.zip(ends).map(|(a, b)| a..b).collect();
        // What comes through the joint above row a.
        let through = |a: usize, q: f64| if e[a] == 0.0 { 0.0 } else { e[a] * (e[a] / q) };
        let determinants: Vec<_> = parts
            .par_iter()
            .map(|rows| Determinants::new(&d[rows.clone()], &e[rows.clone()], x, scale))
            .collect();
        let mut foreseen = vec![f64::INFINITY];
        for (rows, part) in parts.iter().zip(&determinants) {
            let s = through(rows.start, foreseen[foreseen.len() - 1]) * scale;
            foreseen.push(part.last_pivot(s) / scale);
        }
        let counted: Vec<_> = parts
            .par_iter()
            .zip(&foreseen)
            .map(|(rows, &q)| plain::<f64, false>(q, &d[rows.clone()], &e[rows.clone()], x))
            .collect();
        let size = low.abs().max(high.abs());
        let (mut q, mut count) = (f64::INFINITY, 0);
        for ((rows, foreseen), (last, negative)) in parts.into_iter().zip(foreseen).zip(counted) {
            let allowed = 2.0 * f64::EPSILON * rows.len() as f64 * size;
            let off_through = (through(rows.start, q) - through(rows.start, foreseen)).abs();
            let (last, negative) = if same(q, foreseen) || off_through <= allowed {
                (last, negative)
            } else if (q - foreseen).abs() <= allowed {
                // The matrix whose pivot is the foreseen one has its sign too.
                count = count + u64::from(foreseen.is_sign_negative()) - u64::from(q.is_sign_negative());
                (last, negative)
            } else {
                plain::<f64, false>(q, &d[rows.clone()], &e[rows], x)
            };
            q = last;
            count += negative;
        }
        count as usize
    }

    /// A power of two that brings |d| + |x| and |e| to at most 1 for every x in Gershgorin's interval (or near 1, where that
    /// would not be a normal number).
    fn unit_scale(&self) -> f64 {
        let (low, high) = self.gershgorin();
        let size = low.abs().max(high.abs());
        let exponent = (size.to_bits() >> 52) as i32 - 1023;
        2f64.powi((-exponent - 2).clamp(-1022, 1022))
    }
}

/// Leading determinants of a part and of what is left without its first row, each with its predecessor, up to one common
/// factor.
struct Determinants {
    whole: [f64; 2],
    inner: [f64; 2],
}

impl Determinants {
    fn new(diagonal: &[f64], couplings: &[f64], x: f64, scale: f64) -> Self {
        let x = x * scale;
        let mut whole = [diagonal[0] * scale - x, 1.0];
        let mut inner = [1.0, 0.0];
        for (d, e) in diagonal[1..].chunks(BLOCK).zip(couplings[1..].chunks(BLOCK)) {
            for (&d, &e) in d.iter().zip(e) {
                let (dx, e) = (d * scale - x, e * scale);
                whole = [dx * whole[0] - e * e * whole[1], whole[0]];
                inner = [dx * inner[0] - e * e * inner[1], inner[0]];
            }
            let larger = |p: [f64; 2]| p[0].abs().max(p[1].abs());
            let factor = inverse_power(larger(whole).max(larger(inner)));
            whole = whole.map(|p| p * factor);
            inner = inner.map(|p| p * factor);
        }
        Self { whole, inner }
    }

    /// The last pivot for s from above: a forecast, since determinants may cancel, decay or split. Infinite where they
    /// say nothing.
    fn last_pivot(&self, s: f64) -> f64 {
        let value = |i: usize| self.whole[i] - s * self.inner[i];
        let q = value(0) / value(1);
        if q.is_nan() { f64::INFINITY } else { q }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_cuts_and_shifts_are_refused() {
        let j = Jacobi::new(vec![0.0; 4], vec![-1.0; 3]).unwrap();
        assert!(j.count_below_segmented(0.3, 0).is_err() && j.count_below_segmented(f64::NAN, 2).is_err());
        for cuts in [&[0usize][..], &[2, 2], &[3, 1], &[4]] {
            assert!(j.count_below_cut_at(0.3, cuts).is_err(), "{cuts:?}");
        }
        assert!(j.counts_below_by(&[f64::INFINITY], Counting::DivisionFree).is_err());
        assert_eq!(
            j.counts_below_by(&[], Counting::DivisionFree).unwrap(),
            Vec::<usize>::new()
        );
        assert_eq!(j.count_below_segmented(0.3, 99).unwrap(), 2);
    }

    #[test]
    fn determinants_of_every_size_are_scaled() {
        for exponent in [-1074, -1000, -300, 0, 300, 1000, 1020] {
            let unit = crate::jacobi::ldexp(1.0, exponent);
            let j = Jacobi::new(vec![0.0; 200], vec![unit; 199]).unwrap();
            let xs = [-3.0 * unit, -0.5 * unit, 0.0, unit, 2.5 * unit];
            let free = j.counts_below_by(&xs, Counting::DivisionFree).unwrap();
            assert_eq!(free, j.counts_below(&xs).unwrap(), "2^{exponent}");
        }
        let zero = Jacobi::new(vec![0.0; 70], vec![0.0; 69]).unwrap();
        let counts = zero
            .counts_below_by(&[0.0, f64::from_bits(1), 1.0], Counting::DivisionFree)
            .unwrap();
        assert_eq!(counts, [0, 70, 70]);
    }
}
