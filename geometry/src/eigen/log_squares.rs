//! tr log T and tr log² T of positive definite tridiagonal matrices, from traces of inverses: no entry of log T is needed.
//!
//! With the fractions of [`super::partial_fractions`] log x/σ = Σ Wⱼ (1/(σ + tⱼ) − 1/(x + tⱼ)) = (x − σ) Σ wⱼ/(x + tⱼ),
//! wⱼ = Wⱼ/(σ + tⱼ), and its square is (x − σ)² (Σ wⱼ²/(x + tⱼ)² + Σ aⱼ/(x + tⱼ)), aⱼ = 2 wⱼ Σ_{k≠j} wₖ/(tₖ − tⱼ). The
//! factors x − σ are kept in front, so that the sums are as small as the logarithms: for X = (T + t)⁻¹, t one of the tⱼ, and
//! Y = (T − σ) X they need tr Y, tr Y² and tr (T − σ) Y.
//!
//! With T + t = L D Lᵀ and lᵢ = eᵢ/Dᵢ, yᵢᵢ = (Dᵢ − t − σ) xᵢᵢ − eᵢ lᵢ xᵢ₊₁ᵢ₊₁, and outside the diagonal Y = −(σ + t) X. There the
//! entry beside xᵢ₊₁ᵢ₊₁ is −lᵢ xᵢ₊₁ᵢ₊₁, and the sum of squares left of xᵢᵢ is gᵢ xᵢᵢ², gᵢ₊₁ = lᵢ² (1 + gᵢ).

use std::sync::OnceLock;

use super::lanes::{Lanes, Mask};
use super::partial_fractions::{Fractions, MAX_LEVEL, POLES, PartialFractions, Spectra, Term, at_level};

/// For κ = 4, 16, …: the poles tⱼ with Wⱼ (`residue`) and Σ_{k≠j} Wₖ/(tₖ − tⱼ) (`plain`).
static LEVELS: [OnceLock<Fractions>; MAX_LEVEL] = [const { OnceLock::new() }; MAX_LEVEL];

fn at(level: usize) -> &'static Fractions {
    LEVELS[level - 1].get_or_init(|| {
        let log = &at_level(level)[0].terms;
        let term = |(j, term): (usize, &Term)| {
            let others = log.iter().enumerate().filter(|(k, _)| *k != j);
            Term {
                pole: term.pole,
                residue: -term.residue,
                plain: others.map(|(_, other)| -other.residue / (other.pole - term.pole)).sum(),
                times: 0.0,
            }
        };
        Fractions {
            constant: 0.0,
            terms: log.iter().enumerate().map(term).collect(),
        }
    })
}

impl<const W: usize> PartialFractions<W> {
    /// tr log A and tr log² A; arguments and mask as those of [`Self::evaluate`]. About 18 m n flops and m n divisions with m
    /// poles.
    #[inline(always)]
    pub(super) fn log_squares<const FMA: bool>(
        &mut self,
        limit: usize,
        [d, e]: [&[Lanes<W>]; 2],
        scale: &[f64; W],
    ) -> ([Lanes<W>; 2], Mask<W>) {
        let Spectra {
            levels,
            bounds: [least, most],
            centre,
            failed,
        } = self.spectra::<FMA>(limit, [d, e]);
        // Where the logarithm of A vanishes, or the end of the spectrum next to it: log x/σ and log σ have then one sign.
        let (mut sigma, mut shift) = (centre, Lanes::ZERO);
        for lane in 0..W {
            if !failed[lane] {
                sigma.0[lane] = scale[lane].max(least.0[lane]).min(most.0[lane]);
                shift.0[lane] = (sigma.0[lane] / scale[lane]).ln();
            }
        }
        let count = self.load_terms(levels.map(|level| level.map(at)));
        let mut total = Lanes::ZERO;
        for term in &mut self.terms {
            let [pole, weight, others, _] = *term;
            let pole = pole * centre;
            let inverse = Lanes::ONE / (sigma + pole);
            let w = weight * centre * inverse;
            total = total + w;
            *term = [pole, w, others + w, inverse];
        }
        let (mut sum, mut squares) = (Lanes::ZERO, Lanes::ZERO);
        for first in (0..count).step_by(POLES) {
            let mut poles = [Lanes::ZERO; POLES];
            for p in 0..POLES {
                poles[p] = self.terms[first + p][0];
            }
            let [traces, of_squares, of_products] = self.traces::<FMA>([d, e], sigma, &poles);
            for p in 0..POLES {
                let [_, w, others, inverse] = self.terms[first + p];
                let a = (w + w) * (others - total) * inverse;
                sum = w.mul_add::<FMA>(traces[p], sum);
                squares = (w * w).mul_add::<FMA>(of_squares[p], squares);
                squares = a.mul_add::<FMA>(of_products[p], squares);
            }
        }
        let order = Lanes([d.len() as f64; W]);
        squares = squares + shift * (sum + sum) + order * shift * shift;
        ([sum + order * shift, squares], failed)
    }

    /// tr Y, tr Y² and tr (T − σ) Y of Y = (T − σ)(T + t)⁻¹ for each pole t.
    #[inline(always)]
    fn traces<const FMA: bool>(
        &mut self,
        [d, e]: [&[Lanes<W>]; 2],
        sigma: Lanes<W>,
        poles: &[Lanes<W>; POLES],
    ) -> [[Lanes<W>; POLES]; 3] {
        let n = d.len();
        let inverses = self.diagonals.as_chunks_mut::<POLES>().0;
        let rests = self.rests.as_chunks_mut::<POLES>().0;
        let sides = self.sides.as_chunks_mut::<POLES>().0;
        let mut sums = *poles;
        for p in 0..POLES {
            sums[p] = sigma + poles[p];
        }
        let (mut before, mut last, mut left) = (Lanes::ZERO, [Lanes::ZERO; POLES], [Lanes::ZERO; POLES]);
        for i in 0..n {
            let difference = d[i] - sigma;
            for p in 0..POLES {
                let rest = last[p].mul_add::<FMA>(before, difference);
                let inverse = Lanes::ONE / (rest + sums[p]);
                let l = e[i] * inverse;
                sides[i][p] = left[p];
                left[p] = l * l.mul_add::<FMA>(left[p], l);
                last[p] = -l;
                rests[i][p] = rest;
                inverses[i][p] = inverse;
            }
            before = e[i];
        }
        let mut below = [Lanes::ZERO; POLES];
        let (mut diagonal, mut squares, mut products) = (below, below, below);
        let (mut aside, mut beside) = (below, below);
        for i in (0..n).rev() {
            let difference = d[i] - sigma;
            for p in 0..POLES {
                let inverse = inverses[i][p];
                let l = e[i] * inverse;
                let next = l * below[p];
                let x = l.mul_add::<FMA>(next, inverse);
                let coupled = e[i] * next;
                let y = x.mul_add::<FMA>(rests[i][p], -coupled);
                diagonal[p] = diagonal[p] + y;
                squares[p] = y.mul_add::<FMA>(y, squares[p]);
                products[p] = difference.mul_add::<FMA>(y, products[p]);
                aside[p] = (x * x).mul_add::<FMA>(sides[i][p], aside[p]);
                beside[p] = beside[p] + coupled;
                below[p] = x;
            }
        }
        for p in 0..POLES {
            let twice = sums[p] + sums[p];
            squares[p] = (twice * sums[p]).mul_add::<FMA>(aside[p], squares[p]);
            products[p] = twice.mul_add::<FMA>(beside[p], products[p]);
        }
        [diagonal, squares, products]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_the_squares_to_rounding() {
        for level in 1..=MAX_LEVEL {
            let kappa = 4f64.powi(level as i32);
            let terms = &at(level).terms;
            for sigma in [kappa.sqrt().recip(), 1.0, kappa.sqrt()] {
                let total: f64 = terms.iter().map(|term| term.residue / (sigma + term.pole)).sum();
                for i in 0..=400 {
                    let x = kappa.powf(f64::from(i) / 400.0 - 0.5);
                    let (mut found, mut size, mut rounded) = (0.0, 0.0, 0.0);
                    for (j, term) in terms.iter().enumerate() {
                        let w = term.residue / (sigma + term.pole);
                        let twice = 2.0 * w / (sigma + term.pole) / (x + term.pole);
                        let (double, simple) = ((w / (x + term.pole)).powi(2), twice * (term.plain + w - total));
                        found += double + simple;
                        size += double + simple.abs();
                        let others = terms.iter().enumerate().filter(|(k, _)| *k != j);
                        let others: f64 = others.map(|(_, k)| (k.residue / (k.pole - term.pole)).abs()).sum();
                        rounded += double + twice * (others + total);
                    }
                    let (square, ratio) = ((x - sigma).powi(2), (x - sigma) / sigma);
                    let logarithm = if ratio.abs() < 0.5 {
                        ratio.ln_1p()
                    } else {
                        (x / sigma).ln()
                    };
                    let expected = logarithm * logarithm;
                    // What cancels does so beyond σ, as when T is wrong by ε ‖T‖.
                    let beyond = if x > sigma { square / (x * sigma) } else { 0.0 };
                    assert!(
                        square * size <= 3.0 * (expected + beyond),
                        "at {x:e}, kappa {kappa:e}: {size:e}"
                    );
                    // Weights carry some ten roundings each.
                    let (error, bound) = (
                        (found * square - expected).abs(),
                        10.0 * f64::EPSILON * square * rounded,
                    );
                    assert!(error <= bound, "at {x:e}, kappa {kappa:e}: {error:e} > {bound:e}");
                }
            }
        }
    }
}
