//! Natural logarithms of W numbers at once.

use super::lanes::Lanes;

const MANTISSA: u64 = (1 << 52) - 1;
/// The bits of 1, and of 2^52, below which an integer put into the mantissa counts in ones.
const ONE: u64 = 1023 << 52;
const COUNTER: u64 = 1075 << 52;

/// log 2 in two parts; the first one has so few digits that its products with exponents are exact.
const LN_2: [f64; 2] = [f64::from_bits(0x3fe6_2e42_fee0_0000), 1.908_214_929_270_587_7e-10];

/// Terms of the series beyond the first: the next one is below 2^-57 for every mantissa.
const TERMS: usize = 10;

/// log x, to an ulp; what `f64::ln` says of numbers that are not positive, not normal or not finite.
///
/// x = 2^k (1 + f) with 1 + f in \[√½, √2\], and log (1 + f) = 2 artanh s, s = f/(2 + f), from its Taylor series, put
/// together as f − (f²/2 − s (f²/2 + R)) so that only the leading term f rounds.
#[inline(always)]
pub(super) fn ln<const W: usize, const FMA: bool>(x: Lanes<W>) -> Lanes<W> {
    let bits = |x: f64, f: fn(u64) -> u64| f64::from_bits(f(x.to_bits()));
    let mantissa = x.map(|x| bits(x, |b| b & MANTISSA | ONE));
    let exponent = x.map(|x| bits(x, |b| b >> 52 | COUNTER) - (f64::from_bits(COUNTER) + 1023.0));
    let root = Lanes([std::f64::consts::SQRT_2; W]);
    let half = mantissa.map(|m| 0.5 * m);
    let m = Lanes::select_less(root, mantissa, half, mantissa);
    let k = Lanes::select_less(root, mantissa, exponent + Lanes::ONE, exponent);
    let f = m - Lanes::ONE;
    let s = f / (m + Lanes::ONE);
    let z = s * s;
    let mut rest = Lanes([2.0 / (2 * TERMS + 1) as f64; W]);
    for term in (1..TERMS).rev() {
        rest = rest.mul_add::<FMA>(z, Lanes([2.0 / (2 * term + 1) as f64; W]));
    }
    let square = f * f.map(|f| 0.5 * f);
    let series = s * rest.mul_add::<FMA>(z, square);
    let small = k.mul_add::<FMA>(Lanes([LN_2[1]; W]), series);
    let mut log = k.map(|k| k * LN_2[0]) - ((square - small) - f);
    let ordinary = |x: f64| (f64::MIN_POSITIVE..=f64::MAX).contains(&x);
    let others = x.map(|x| if ordinary(x) { 0.0 } else { 1.0 });
    if others.0.iter().sum::<f64>() > 0.0 {
        for (log, x) in log.0.iter_mut().zip(x.0) {
            if !ordinary(x) {
                *log = x.ln();
            }
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn check<const W: usize, const FMA: bool>(x: [f64; W]) {
        let found = ln::<W, FMA>(Lanes(x)).0;
        for (x, found) in x.into_iter().zip(found) {
            let exact = x.ln();
            // An ulp here and one there.
            let same = (found - exact).abs() <= 2.0 * f64::EPSILON * exact.abs() || found.to_bits() == exact.to_bits();
            assert!(same || found.is_nan() && exact.is_nan(), "{x:e}: {found:e} {exact:e}");
        }
    }

    #[test]
    fn agrees_with_the_standard_library() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(11);
        for turn in 0..20_000 {
            let x = std::array::from_fn(|_| match turn % 3 {
                0 => f64::from_bits(rng.random::<u64>()),
                1 => rng.random_range(0.5..2.0),
                _ => 1.0 + 1e-9 * rng.random_range(-1.0..1.0),
            });
            check::<4, false>(x);
            check::<4, true>(x);
        }
        for x in [
            1.0,
            2.0,
            0.5,
            std::f64::consts::SQRT_2,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
        ] {
            check::<4, true>([x, x.next_up(), x.next_down(), 1.0]);
        }
        check::<8, false>([
            0.0,
            -0.0,
            -1.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1.0,
            -5e-324,
        ]);
    }
}
