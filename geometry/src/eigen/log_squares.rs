//! tr log T and tr log² T of positive definite tridiagonal matrices, from traces of inverses: no entry of log T is needed.
//!
//! With log x ≈ r(x) = c + Σ ρⱼ/(x + tⱼ) as in [`super::partial_fractions`], r² has double poles:
//! r(x)² = c² + Σ aⱼ/(x + tⱼ) + Σ ρⱼ²/(x + tⱼ)², aⱼ = 2 ρⱼ (c + Σ_{k≠j} ρₖ/(tₖ − tⱼ)). For X = (T + t)⁻¹ with
//! T + t = L D Lᵀ, tr X² = Σ xᵢᵢ² (1 + 2 gᵢ), where gᵢ, the sum of squares left of the diagonal in units of xᵢᵢ, is a
//! recurrence of positive terms: gᵢ = (eᵢ₋₁/Dᵢ₋₁)² (1 + gᵢ₋₁).

use std::sync::OnceLock;

use super::lanes::{Lanes, Mask};
use super::partial_fractions::{Fractions, MAX_LEVEL, POLES, PartialFractions, Term, at_level};

/// How much larger than the result the terms of the sum of squares may be, and with them their rounding.
const MAX_CANCELLATION: f64 = 64.0;

/// r², with c, [tⱼ, ρⱼ, aⱼ, ρⱼ²] and the sum of its terms at the lower end of the spectrum, where they are largest.
struct Squares {
    fractions: Fractions,
    size: f64,
}

static LEVELS: [OnceLock<Squares>; MAX_LEVEL] = [const { OnceLock::new() }; MAX_LEVEL];

fn squares(level: usize) -> &'static Squares {
    LEVELS[level - 1].get_or_init(|| {
        let log = &at_level(level)[0];
        let constant = log.constant + log.terms.iter().map(|term| term.times).sum::<f64>();
        let least = 2f64.powi(-(level as i32));
        let mut size = constant * constant;
        let square = |(j, term): (usize, &Term)| {
            let others = log.terms.iter().enumerate().filter(|(k, _)| *k != j);
            let others: f64 = others.map(|(_, other)| other.residue / (other.pole - term.pole)).sum();
            let (simple, double) = (2.0 * term.residue * (constant + others), term.residue * term.residue);
            size += (simple / (least + term.pole)).abs() + double / (least + term.pole).powi(2);
            Term {
                pole: term.pole,
                residue: term.residue,
                plain: simple,
                times: double,
            }
        };
        let terms = log.terms.iter().enumerate().map(square).collect();
        Squares {
            fractions: Fractions { constant, terms },
            size,
        }
    })
}

/// What [`PartialFractions::log_squares`] finds.
pub(super) struct LogSquares<const W: usize> {
    /// tr log A and tr log² A.
    pub(super) sums: [Lanes<W>; 2],
    /// Matrices so close to the identity that the sum of squares is small beside its terms.
    pub(super) vague: Mask<W>,
    /// Matrices beyond the limit, whose sums mean nothing.
    pub(super) failed: Mask<W>,
}

impl<const W: usize> PartialFractions<W> {
    /// Arguments as those of [`Self::evaluate`]. About 10 m n flops and m n divisions with m poles.
    #[inline(always)]
    pub(super) fn log_squares<const FMA: bool>(
        &mut self,
        limit: usize,
        [d, e]: [&[Lanes<W>]; 2],
        scale: &[f64; W],
    ) -> LogSquares<W> {
        let order = Lanes([d.len() as f64; W]);
        let spectra = self.spectra::<FMA>(limit, [d, e]);
        let (centre, failed) = (spectra.centre, spectra.failed);
        let levels = spectra.levels.map(|level| level.map(squares));
        let (mut constant, mut shift, mut size) = (Lanes::ZERO, Lanes::ZERO, Lanes::ZERO);
        for lane in 0..W {
            if let Some(level) = levels[lane] {
                constant.0[lane] = level.fractions.constant;
                size.0[lane] = level.size;
                shift.0[lane] = (centre.0[lane] / scale[lane]).ln();
            }
        }
        let (mut sum, mut squares) = (order * constant, order * constant * constant);
        let terms = order * (size + shift * shift);
        let is_vague =
            |squares: Lanes<W>| terms.compare(squares, |terms, sum| sum.is_nan() || terms > MAX_CANCELLATION * sum);
        // log² x <= x + 1/x − 2: close matrices need not be tried.
        let (mut trace, unit) = (Lanes::ZERO, Lanes(*scale));
        for d in d {
            trace = trace + *d;
        }
        let vague = is_vague(trace / unit + unit * spectra.inverse_trace - (order + order));
        if (0..W).all(|lane| vague[lane] || failed[lane]) {
            return LogSquares {
                sums: [sum, squares],
                vague,
                failed,
            };
        }
        let count = self.load_terms(levels.map(|level| level.map(|level| &level.fractions)));
        for first in (0..count).step_by(POLES) {
            let poles = std::array::from_fn(|p| self.terms[first + p][0] * centre);
            let [traces, of_squares] = self.traces::<FMA>([d, e], &poles);
            for p in 0..POLES {
                let [_, residue, simple, double] = self.terms[first + p];
                let trace = traces[p] * centre;
                sum = residue.mul_add::<FMA>(trace, sum);
                squares = simple.mul_add::<FMA>(trace, squares);
                squares = (double * centre * centre).mul_add::<FMA>(of_squares[p], squares);
            }
        }
        // log x + shift instead of log x.
        let squares = squares + shift * (sum + sum) + order * shift * shift;
        let found = is_vague(squares);
        LogSquares {
            sums: [sum + order * shift, squares],
            vague: std::array::from_fn(|lane| vague[lane] || found[lane]),
            failed,
        }
    }

    /// tr X and tr X² of X = (T + t)⁻¹ for each pole t.
    #[inline(always)]
    fn traces<const FMA: bool>(
        &mut self,
        [d, e]: [&[Lanes<W>]; 2],
        poles: &[Lanes<W>; POLES],
    ) -> [[Lanes<W>; POLES]; 2] {
        let n = d.len();
        let multipliers = self.multipliers.as_chunks_mut::<POLES>().0;
        let inverses = self.diagonals.as_chunks_mut::<POLES>().0;
        let beside = self.rests.as_chunks_mut::<POLES>().0;
        let (mut before, mut last, mut left) = (Lanes::ZERO, [Lanes::ZERO; POLES], [Lanes::ZERO; POLES]);
        for i in 0..n {
            for p in 0..POLES {
                let inverse = Lanes::ONE / (last[p].mul_add::<FMA>(before, d[i]) + poles[p]);
                let l = e[i] * inverse;
                beside[i][p] = Lanes::ONE + left[p] + left[p];
                left[p] = l * l.mul_add::<FMA>(left[p], l);
                last[p] = -l;
                multipliers[i][p] = l;
                inverses[i][p] = inverse;
            }
            before = e[i];
        }
        let (mut below, mut traces, mut squares) = ([Lanes::ZERO; POLES], [Lanes::ZERO; POLES], [Lanes::ZERO; POLES]);
        for i in (0..n).rev() {
            for p in 0..POLES {
                let l = multipliers[i][p];
                let x = l.mul_add::<FMA>(l * below[p], inverses[i][p]);
                traces[p] = traces[p] + x;
                squares[p] = x.mul_add::<FMA>(x * beside[i][p], squares[p]);
                below[p] = x;
            }
        }
        [traces, squares]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_the_squares_to_rounding() {
        for level in 1..=MAX_LEVEL {
            let kappa = 4f64.powi(level as i32);
            let Squares { fractions, size } = squares(level);
            for i in 0..=400 {
                let x = kappa.powf(f64::from(i) / 400.0 - 0.5);
                let mut found = fractions.constant * fractions.constant;
                for term in &fractions.terms {
                    found += term.plain / (x + term.pole) + term.times / (x + term.pole).powi(2);
                }
                // Weights carry some ten roundings each.
                let error = (found - x.ln().powi(2)).abs();
                let bound = 20.0 * f64::EPSILON * size;
                assert!(error <= bound, "at {x:e}, kappa {kappa:e}: {error:e} > {bound:e}");
            }
        }
    }
}
