//! Logarithms and square roots of positive definite tridiagonal matrices by partial fractions.
//!
//! log, √ and 1/√ are integrals of 1/(x + t) over t > 0, so f(T) ≈ c₀ + Σ rⱼ (T + tⱼ)⁻¹, and the inverse of a tridiagonal
//! matrix is cheap: with T + t = L D Lᵀ its diagonal is a recurrence of positive terms, and each other entry is one
//! product away from its neighbour. No eigenvectors are needed, which cost most of a decomposition.
//!
//! The poles are those of Zolotarev's problem for \[a, b\] and the negative half axis: z = √t runs through the elliptic
//! function z = √a sc(u, k'), k² = a/b, 0 < u < K'. In ξ = cos(π u/K') the integral for 1/√x has the weight of
//! Chebyshev, that for log x the weight of Legendre, and what is left is analytic in the same ellipse for both: Gauss's
//! rules with m nodes err by about exp(−2π m K/K'), 13 nodes at κ = 64, 33 at 1e6, 53 at 1e12.
//! The square root in this form: N. Hale, N. J. Higham, L. N. Trefethen, SIAM J. Numer. Anal. 46 (2008), method 3.

use std::f64::consts::PI;
use std::sync::OnceLock;

use super::lanes::{Buffer, LaneMatrix, Lanes, Mask};
use super::ln::ln;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fractional {
    /// log A.
    Log,
    /// A^½.
    Sqrt,
    /// A^{-½}.
    InverseSqrt,
}

impl Fractional {
    /// The function of numbers.
    pub(crate) fn of(self, x: f64) -> f64 {
        match self {
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::InverseSqrt => x.sqrt().recip(),
        }
    }

    /// The same of numbers side by side; logarithms to an ulp.
    #[inline(always)]
    pub(super) fn of_lanes<const W: usize, const FMA: bool>(self, x: Lanes<W>) -> Lanes<W> {
        match self {
            Self::Log => ln::<W, FMA>(x),
            Self::Sqrt => x.sqrt(),
            Self::InverseSqrt => Lanes::ONE / x.sqrt(),
        }
    }
}

/// Spectra wider than 4 to this power (3e14) are left to the eigenvectors: the least eigenvalue is then hardly known.
pub(crate) const MAX_LEVEL: usize = 24;
/// Poles that are added together.
pub(super) const POLES: usize = 4;
/// Rows that are filled together.
const ROWS: usize = 4;
/// Newton steps towards the least eigenvalue.
const STEPS: usize = 3;

/// f(x) ≈ constant + Σ (plain + times x)/(x + pole) on \[1/√κ, √κ\].
#[derive(Debug, Default)]
pub(super) struct Fractions {
    pub(super) constant: f64,
    pub(super) terms: Vec<Term>,
}

/// Of (T + pole)⁻¹: entries outside the diagonal times `residue`, the diagonal times `plain` and that of T (T + pole)⁻¹
/// times `times`. The two ways to write a diagonal differ by a constant; the one that does not cancel is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) pole: f64,
    pub(super) residue: f64,
    pub(super) plain: f64,
    pub(super) times: f64,
}

/// For κ = 4, 16, …: log, √ and 1/√, made when they are first needed.
static LEVELS: [OnceLock<[Fractions; 3]>; MAX_LEVEL] = [const { OnceLock::new() }; MAX_LEVEL];

/// Fractions for κ = 4 to the power `level`, from 1 to [`MAX_LEVEL`].
pub(super) fn at_level(level: usize) -> &'static [Fractions; 3] {
    LEVELS[level - 1].get_or_init(|| fractions(level))
}

fn fractions(level: usize) -> [Fractions; 3] {
    let k = 2f64.powi(-(level as i32));
    let quarter = |complementary: f64| {
        let (mut a, mut b) = (1.0_f64, complementary);
        for _ in 0..12 {
            (a, b) = (0.5 * (a + b), (a * b).sqrt());
        }
        0.5 * PI / a
    };
    let (real, imaginary) = (quarter((1.0 - k * k).sqrt()), quarter(k));
    let nome = (-PI * imaginary / real).exp();
    // √t and its derivative in θ = π u/K', for θ <= π/2; beyond, z(π − θ) = 1/z(θ).
    let root = |theta: f64| {
        let v = 0.5 * theta * imaginary / real;
        let (mut z, mut slope) = (0.0, 0.0);
        for n in 0..20 {
            let odd = f64::from(2 * n + 1);
            let coefficient = nome.powf(0.5 * odd) / (1.0 - nome.powf(odd));
            z += coefficient * (odd * v).sinh();
            slope += coefficient * odd * (odd * v).cosh();
        }
        let factor = 2.0 * PI / (k.sqrt() * real);
        (factor * z, factor * slope * 0.5 * imaginary / real)
    };
    let count = (39.0 * imaginary / (2.0 * PI * real)).ceil() as usize;
    let [mut log, mut sqrt, mut inverse_sqrt] = std::array::from_fn(|_| Fractions::default());
    for j in 0..count.div_ceil(2) {
        let middle = 2 * j + 1 == count;
        let (xi, weight) = legendre(count, j);
        let theta = xi.acos();
        let (z, slope) = root(theta);
        let weight = 2.0 * weight * z * slope / theta.sin();
        // weight (1/(1 + t) − 1/(x + t)), which for large t is weight/(1 + t) (x − 1)/(x + t).
        let mut add = |pole: f64, weight: f64| {
            let (plain, times) = if pole > 1.0 {
                (-weight / (1.0 + pole), weight / (1.0 + pole))
            } else {
                log.constant += weight / (1.0 + pole);
                (-weight, 0.0)
            };
            log.terms.push(Term {
                pole,
                residue: -weight,
                plain,
                times,
            });
        };
        add(z * z, weight);
        if !middle {
            add(1.0 / (z * z), weight / (z * z * z * z));
        }
        let (z, slope) = root((j as f64 + 0.5) * PI / count as f64);
        let weight = 2.0 * slope / count as f64;
        // weight x/(x + t), which for small t is weight (1 − t/(x + t)).
        let mut add = |pole: f64, weight: f64| {
            let (plain, times) = if pole > 1.0 {
                (0.0, weight)
            } else {
                sqrt.constant += weight;
                (-weight * pole, 0.0)
            };
            sqrt.terms.push(Term {
                pole,
                residue: -weight * pole,
                plain,
                times,
            });
            inverse_sqrt.terms.push(Term {
                pole,
                residue: weight,
                plain: weight,
                times: 0.0,
            });
        };
        add(z * z, weight);
        if !middle {
            add(1.0 / (z * z), weight / (z * z));
        }
    }
    [log, sqrt, inverse_sqrt]
}

/// Node j (from 1 downwards) and weight of the Gauss-Legendre rule.
fn legendre(count: usize, j: usize) -> (f64, f64) {
    let m = count as f64;
    let mut x = (PI * (j as f64 + 0.75) / (m + 0.5)).cos();
    let mut weight = 0.0;
    for _ in 0..8 {
        let (mut before, mut value) = (1.0, x);
        for k in 2..=count {
            let k = k as f64;
            (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
        }
        let slope = m * (before - x * value) / ((1.0 - x) * (1.0 + x));
        weight = 2.0 / ((1.0 - x) * (1.0 + x) * slope * slope);
        x -= value / slope;
    }
    (x, weight)
}

/// Where the spectra of tridiagonal matrices T lie.
pub(super) struct Spectra<const W: usize> {
    /// Level of the condition number.
    pub(super) levels: [Option<usize>; W],
    /// Bounds of both ends.
    pub(super) bounds: [Lanes<W>; 2],
    /// Their geometric mean.
    pub(super) centre: Lanes<W>,
    /// Not positive definite, or beyond the limit.
    pub(super) failed: Mask<W>,
}

impl<const W: usize> Spectra<W> {
    /// Between these bounds; beyond the limit more matrices fail.
    #[inline(always)]
    pub(super) fn between(bounds: [Lanes<W>; 2], limit: usize, mut failed: Mask<W>) -> Self {
        let (mut levels, mut centre) = ([None; W], Lanes::ONE);
        let [least, most] = bounds;
        for lane in 0..W {
            let level = level(least.0[lane], most.0[lane]).filter(|level| *level <= limit);
            failed[lane] |= level.is_none();
            if !failed[lane] {
                levels[lane] = level;
                centre.0[lane] = (least.0[lane] * most.0[lane]).sqrt();
            }
        }
        Self {
            levels,
            bounds,
            centre,
            failed,
        }
    }
}

/// Working memory.
pub(crate) struct PartialFractions<const W: usize> {
    /// Of the poles that are added together: multipliers from each row of the inverse to the row above.
    pub(super) multipliers: Buffer<W>,
    /// Diagonals of the inverses, times the residue.
    pub(super) diagonals: Buffer<W>,
    /// Pivots less the poles.
    pub(super) rests: Buffer<W>,
    /// Sums of squares left of the diagonals.
    pub(super) sides: Buffer<W>,
    /// Poles, residues and the two weights of the diagonals for the matrices at hand.
    pub(super) terms: Vec<[Lanes<W>; 4]>,
}

impl<const W: usize> PartialFractions<W> {
    pub(crate) fn zeros(order: usize) -> Self {
        Self {
            multipliers: Buffer::zeros(order * POLES),
            diagonals: Buffer::zeros(order * POLES),
            rests: Buffer::zeros(order * POLES),
            sides: Buffer::zeros(order * POLES),
            terms: Vec::new(),
        }
    }

    /// Lower triangles of f(A), A = T/scale, T with diagonal `d` and couplings `e` (the last one zero). True for the
    /// matrices that are not positive definite or have a condition number beyond 4 to the power `limit`, give or take a
    /// factor of three; what is written for them is meaningless.
    ///
    /// About m n² flops with m poles (see above).
    #[inline(always)]
    pub(crate) fn evaluate<const FMA: bool>(
        &mut self,
        f: Fractional,
        limit: usize,
        [d, e]: [&[Lanes<W>]; 2],
        scale: &[f64; W],
        s: &mut LaneMatrix<W>,
    ) -> Mask<W> {
        let n = d.len();
        let Spectra {
            levels, centre, failed, ..
        } = self.spectra::<FMA>(limit, [d, e]);
        let levels = levels.map(|level| level.map(|level| &at_level(level)[f as usize]));
        let (mut gain, mut constant) = (Lanes::<W>::ONE, Lanes::<W>::ZERO);
        for lane in 0..W {
            let Some(level) = levels[lane] else { continue };
            let c = centre.0[lane];
            // The matrices of the caller are T divided by the scale.
            (gain.0[lane], constant.0[lane]) = match f {
                Fractional::Log => (1.0, level.constant + (c / scale[lane]).ln()),
                Fractional::Sqrt => {
                    let root = (c / scale[lane]).sqrt();
                    (root, level.constant * root)
                }
                Fractional::InverseSqrt => ((scale[lane] / c).sqrt(), 0.0),
            };
        }
        for i in 0..n {
            s.row_mut(i)[..i].fill(Lanes::ZERO);
            s[(i, i)] = constant;
        }
        let count = self.load_terms(levels);
        let by_both = centre * gain;
        for first in (0..count).step_by(POLES) {
            let poles: [[Lanes<W>; 4]; POLES] = std::array::from_fn(|p| {
                let [pole, residue, plain, times] = self.terms[first + p];
                [pole * centre, residue * by_both, plain * by_both, times * gain]
            });
            self.factor::<FMA>(d, e, &poles, s);
            let whole = n / ROWS * ROWS;
            for j in (0..whole).step_by(ROWS) {
                self.rows::<ROWS, FMA>(s, j);
            }
            for j in whole..n {
                self.rows::<1, FMA>(s, j);
            }
        }
        failed
    }

    /// Bounds of the spectra.
    #[inline(always)]
    pub(super) fn spectra<const FMA: bool>(&mut self, limit: usize, [d, e]: [&[Lanes<W>]; 2]) -> Spectra<W> {
        let (least, failed) = self.least::<FMA>(d, e);
        let (mut most, mut before) = (Lanes::ZERO, Lanes::ZERO);
        for (d, e) in d.iter().zip(e) {
            most = most.zip(*d + before + e.abs(), f64::max);
            before = e.abs();
        }
        Spectra::between([least, most], limit, failed)
    }

    /// Takes the terms of each matrix side by side; how many there are. Matrices with fewer poles get some without weight,
    /// which change no bit.
    #[inline(always)]
    pub(super) fn load_terms(&mut self, levels: [Option<&Fractions>; W]) -> usize {
        let count = levels.iter().flatten().map(|level| level.terms.len()).max();
        let count = count.unwrap_or(0).next_multiple_of(POLES);
        let none = [Lanes::ONE, Lanes::ZERO, Lanes::ZERO, Lanes::ZERO];
        self.terms.clear();
        self.terms.resize(count, none);
        for lane in 0..W {
            let terms = levels[lane].map_or(&[][..], |level| &level.terms);
            for (all, term) in self.terms.iter_mut().zip(terms) {
                let numbers = [term.pole, term.residue, term.plain, term.times];
                for (x, number) in all.iter_mut().zip(numbers) {
                    x.0[lane] = number;
                }
            }
        }
        count
    }

    /// A lower bound of the least eigenvalue, mostly within some percent: Newton's method for the characteristic
    /// polynomial from below. True where T is not positive definite.
    #[inline(always)]
    fn least<const FMA: bool>(&mut self, d: &[Lanes<W>], e: &[Lanes<W>]) -> (Lanes<W>, Mask<W>) {
        let n = d.len();
        let multipliers = self.multipliers.as_chunks_mut::<POLES>().0;
        let diagonals = self.diagonals.as_chunks_mut::<POLES>().0;
        let mut x = Lanes::<W>::ZERO;
        let mut smallest = Lanes([f64::INFINITY; W]);
        for _ in 0..STEPS {
            let (mut multiplier, mut coupling) = (Lanes::ZERO, Lanes::ZERO);
            for i in 0..n {
                let pivot = (-multiplier).mul_add::<FMA>(coupling, d[i] - x);
                smallest = Lanes::select_less(pivot, smallest, pivot, smallest);
                let inverse = Lanes::ONE / pivot;
                (multiplier, coupling) = (e[i] * inverse, e[i]);
                multipliers[i][0] = multiplier;
                diagonals[i][0] = inverse;
            }
            let (mut diagonal, mut trace) = (Lanes::ZERO, Lanes::ZERO);
            for i in (0..n).rev() {
                let l = multipliers[i][0];
                diagonal = (l * l).mul_add::<FMA>(diagonal, diagonals[i][0]);
                trace = trace + diagonal;
            }
            // The full step ends at the eigenvalue itself if there is but one.
            x = x + Lanes([0.9; W]) / trace;
        }
        let failed = smallest.compare(x, |smallest, x| !(smallest > 0.0 && x > 0.0));
        (x, failed)
    }

    /// T + t = L D Lᵀ for each pole: multipliers −e/D and diagonals of the inverse; the diagonal of the sum.
    #[inline(always)]
    fn factor<const FMA: bool>(
        &mut self,
        d: &[Lanes<W>],
        e: &[Lanes<W>],
        poles: &[[Lanes<W>; 4]; POLES],
        s: &mut LaneMatrix<W>,
    ) {
        let n = d.len();
        let multipliers = self.multipliers.as_chunks_mut::<POLES>().0;
        let diagonals = self.diagonals.as_chunks_mut::<POLES>().0;
        let rests = self.rests.as_chunks_mut::<POLES>().0;
        let mut before = Lanes::ZERO;
        let mut last = [Lanes::ZERO; POLES];
        for i in 0..n {
            for p in 0..POLES {
                let rest = last[p].mul_add::<FMA>(before, d[i]);
                let inverse = Lanes::ONE / (rest + poles[p][0]);
                last[p] = -(e[i] * inverse);
                rests[i][p] = rest;
                multipliers[i][p] = last[p];
                diagonals[i][p] = inverse;
            }
            before = e[i];
        }
        let mut below = [Lanes::ZERO; POLES];
        for i in (0..n).rev() {
            let mut terms = [Lanes::ZERO; POLES];
            for p in 0..POLES {
                let [_, residue, plain, times] = poles[p];
                let l = multipliers[i][p];
                let beside = l * below[p];
                let x = l.mul_add::<FMA>(beside, diagonals[i][p]);
                let product = x.mul_add::<FMA>(rests[i][p], e[i] * beside);
                terms[p] = plain.mul_add::<FMA>(x, times * product);
                below[p] = x;
                diagonals[i][p] = x * residue;
            }
            s[(i, i)] = s[(i, i)] + total(&terms);
        }
    }

    /// Adds the inverses to rows j to j + R, left of the diagonal: entry (j + r, i) of an inverse is the product of the
    /// multipliers from i to j, shared by the rows, and of those from j to j + r with a diagonal.
    #[inline(always)]
    fn rows<const R: usize, const FMA: bool>(&self, s: &mut LaneMatrix<W>, j: usize) {
        let stride = s.stride();
        let block = s.rows_mut(j, R);
        let multipliers = self.multipliers.as_chunks::<POLES>().0;
        let diagonals = self.diagonals.as_chunks::<POLES>().0;
        let mut ends = [[Lanes::<W>::ZERO; POLES]; R];
        for r in 0..R {
            ends[r] = diagonals[j + r];
            for i in (j..j + r).rev() {
                for p in 0..POLES {
                    ends[r][p] = ends[r][p] * multipliers[i][p];
                }
                block[r * stride + i] = block[r * stride + i] + total(&ends[r]);
            }
        }
        let mut shared = [Lanes::<W>::ONE; POLES];
        for i in (0..j).rev() {
            for p in 0..POLES {
                shared[p] = shared[p] * multipliers[i][p];
            }
            for r in 0..R {
                let mut sum = block[r * stride + i];
                for p in 0..POLES {
                    sum = ends[r][p].mul_add::<FMA>(shared[p], sum);
                }
                block[r * stride + i] = sum;
            }
        }
    }
}

#[inline(always)]
fn total<const W: usize>(x: &[Lanes<W>; POLES]) -> Lanes<W> {
    (x[0] + x[1]) + (x[2] + x[3])
}

/// The level l with most/least <= 4^l, where there are such positive numbers.
fn level(least: f64, most: f64) -> Option<usize> {
    let level = (0.5 * (most / least).log2()).ceil().max(1.0);
    (least > 0.0 && level <= MAX_LEVEL as f64).then_some(level as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_the_functions_to_rounding() {
        for level in 1..=MAX_LEVEL {
            let kappa = 4f64.powi(level as i32);
            for i in 0..=400 {
                let x = kappa.powf(f64::from(i) / 400.0 - 0.5);
                for (f, fractions) in [Fractional::Log, Fractional::Sqrt, Fractional::InverseSqrt]
                    .into_iter()
                    .zip(at_level(level))
                {
                    let (mut found, mut size) = (fractions.constant, fractions.constant + f.of(x).abs());
                    for term in &fractions.terms {
                        let (plain, times) = (term.plain / (x + term.pole), term.times * x / (x + term.pole));
                        found += plain + times;
                        size += plain.abs() + times.abs();
                    }
                    // Weights and terms carry some four roundings each.
                    let bound = 8.0 * f64::EPSILON * size;
                    assert!(size <= 8.0 * (1.0 + f.of(kappa.sqrt()).abs().max(f.of(kappa.sqrt().recip()).abs())));
                    let error = (found - f.of(x)).abs();
                    assert!(error <= bound, "{f:?} at {x:e}, kappa {kappa:e}: {error:e} > {bound:e}");
                }
            }
        }
    }
}
