//! Wasserstein distances between measures on the line, exactly.

use crate::error::{Error, Result, in_range};

/// The exponent p of a Wasserstein distance, with the cases that deserve their own loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Exponent {
    /// p = 1.
    One,
    /// p = 2.
    Two,
    /// 1 < p < ∞.
    General(f64),
    /// p = ∞.
    Infinity,
}

impl Exponent {
    /// Parses p ∈ [1, ∞].
    pub(crate) fn try_new(p: f64) -> Result<Self> {
        match p {
            1.0 => Ok(Self::One),
            2.0 => Ok(Self::Two),
            f64::INFINITY => Ok(Self::Infinity),
            p if p > 1.0 => Ok(Self::General(p)),
            _ => Err(Error::InvalidParameter {
                name: "p",
                value: p,
                reason: "a Wasserstein exponent is at least 1",
            }),
        }
    }

    /// Parses p ∈ [1, ∞).
    pub(crate) fn try_finite(p: f64) -> Result<Self> {
        match Self::try_new(p)? {
            Self::Infinity => Err(Error::InvalidParameter {
                name: "p",
                value: p,
                reason: "the p-th power has no meaning at p = ∞: ask for the distance",
            }),
            exponent => Ok(exponent),
        }
    }

    /// |r|ᵖ, and |r| for p = ∞.
    pub(crate) fn cost(self, r: f64) -> f64 {
        match self {
            Self::One | Self::Infinity => r.abs(),
            Self::Two => r * r,
            Self::General(p) => r.abs().powf(p),
        }
    }

    /// d|r|ᵖ/dr = p |r|ᵖ⁻¹ sign(r), with sign(0) = 0.
    pub(crate) fn slope(self, r: f64) -> f64 {
        match self {
            _ if r == 0.0 => 0.0,
            Self::One | Self::Infinity => r.signum(),
            Self::Two => 2.0 * r,
            Self::General(p) => p * r.abs().powf(p - 1.0) * r.signum(),
        }
    }

    /// x^(1/p); x for p = ∞.
    pub(crate) fn root(self, x: f64) -> f64 {
        match self {
            Self::One | Self::Infinity => x,
            Self::Two => x.sqrt(),
            Self::General(p) => x.powf(p.recip()),
        }
    }
}

/// W_p^p between two uniform measures on sorted points (W_∞ for p = ∞), exactly for unequal sizes: the masses are
/// counted in units of 1/lcm(n, m). O(n + m).
pub(crate) fn sorted_uniform(u: &[f64], v: &[f64], exponent: Exponent) -> f64 {
    if u.len() != v.len() {
        let mut sum = 0.0;
        let unit = walk_uniform(u.len(), v.len(), |i, j, mass| {
            let cost = exponent.cost(u[i] - v[j]);
            sum = if exponent == Exponent::Infinity {
                cost.max(sum)
            } else {
                cost.mul_add(mass as f64, sum)
            };
        });
        return if exponent == Exponent::Infinity {
            sum
        } else {
            sum / unit as f64
        };
    }
    match exponent {
        Exponent::One => mean_of(u, v, f64::abs),
        Exponent::Two => mean_of(u, v, |r| r * r),
        Exponent::General(_) => mean_of(u, v, |r| exponent.cost(r)),
        Exponent::Infinity => u.iter().zip(v).fold(0.0, |max, (x, y)| (x - y).abs().max(max)),
    }
}

/// (1/n) Σ f(u_i − v_i) with eight running sums, which the compiler turns into vectors.
fn mean_of(u: &[f64], v: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let (u8s, v8s) = (u.chunks_exact(8), v.chunks_exact(8));
    let tail: f64 = u8s.remainder().iter().zip(v8s.remainder()).map(|(x, y)| f(x - y)).sum();
    for (x, y) in u8s.zip(v8s) {
        for lane in 0..8 {
            sums[lane] += f(x[lane] - y[lane]);
        }
    }
    (sums.iter().sum::<f64>() + tail) / u.len() as f64
}

/// Largest mass that only rounding of the partial sums creates: it must not decide a maximum.
fn sliver(u: &[(f64, f64)], v: &[(f64, f64)]) -> f64 {
    (u.len() + v.len()) as f64 * f64::EPSILON
}

/// W_p^p between two weighted measures on sorted (point, mass) pairs of total mass 1 (W_∞ for p = ∞). O(n + m).
pub(crate) fn sorted_weighted(u: &[(f64, f64)], v: &[(f64, f64)], exponent: Exponent) -> f64 {
    let mut sum = 0.0;
    let sliver = sliver(u, v);
    walk_weighted(u, v, |i, j, mass| {
        let cost = exponent.cost(u[i].0 - v[j].0);
        if exponent != Exponent::Infinity {
            sum = cost.mul_add(mass, sum);
        } else if mass > sliver {
            sum = cost.max(sum);
        }
    });
    sum
}

/// Visits (i, j, mass) of the monotone coupling of the uniform measures on n and m sorted points, in units of
/// 1/lcm(n, m), and returns lcm(n, m). At most n + m − 1 visits.
pub(crate) fn walk_uniform(n: usize, m: usize, mut visit: impl FnMut(usize, usize, u64)) -> u64 {
    let divisor = gcd(n, m);
    let (mass_u, mass_v) = ((m / divisor) as u64, (n / divisor) as u64);
    let (mut i, mut j, mut left_u, mut left_v) = (0, 0, mass_u, mass_v);
    while i < n && j < m {
        let mass = left_u.min(left_v);
        visit(i, j, mass);
        left_u -= mass;
        left_v -= mass;
        if left_u == 0 {
            i += 1;
            left_u = mass_u;
        }
        if left_v == 0 {
            j += 1;
            left_v = mass_v;
        }
    }
    n as u64 * mass_u
}

/// Visits (i, j, mass) of the monotone coupling of two sorted measures of (point, mass) pairs. Points without mass are
/// skipped; the few ulp that rounding leaves on one side at the end are dropped.
pub(crate) fn walk_weighted(u: &[(f64, f64)], v: &[(f64, f64)], mut visit: impl FnMut(usize, usize, f64)) {
    let (mut i, mut j) = (0, 0);
    let (mut left_u, mut left_v) = (u[0].1, v[0].1);
    loop {
        let mass = left_u.min(left_v);
        if mass > 0.0 {
            visit(i, j, mass);
        }
        left_u -= mass;
        left_v -= mass;
        if left_u <= 0.0 {
            i += 1;
            if i == u.len() {
                return;
            }
            left_u = u[i].1;
        }
        if left_v <= 0.0 {
            j += 1;
            if j == v.len() {
                return;
            }
            left_v = v[j].1;
        }
    }
}

/// Wasserstein distance W_p between Σ a_i δ_{u_i} and Σ b_j δ_{v_j} on the line, p ∈ [1, ∞], by the monotone coupling.
///
/// `None` for uniform masses. O(n log n + m log m).
///
/// # Errors
/// [`Error::Empty`], [`Error::NonFinite`], [`Error::InvalidWeights`] (masses must sum to 1),
/// [`Error::InvalidParameter`] for p < 1, and [`Error::OutOfRange`] for a distance beyond the largest number.
///
/// ```
/// use hadamard_geometry::sliced::wasserstein_1d;
///
/// let (u, a) = ([0.3, -1.0, 2.0, 0.3], [0.1, 0.4, 0.3, 0.2]);
/// let (v, b) = ([1.5, -0.5, 0.0], [0.5, 0.25, 0.25]);
/// let w1 = wasserstein_1d(&u, Some(&a), &v, Some(&b), 1.0)?;
/// assert!((w1 - 0.695).abs() < 1e-15);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn wasserstein_1d(u: &[f64], a: Option<&[f64]>, v: &[f64], b: Option<&[f64]>, p: f64) -> Result<f64> {
    let exponent = Exponent::try_new(p)?;
    for points in [u, v] {
        if points.is_empty() {
            return Err(Error::Empty { what: "measure" });
        }
        if let Some(index) = points.iter().position(|x| !x.is_finite()) {
            return Err(Error::NonFinite {
                index,
                row: 0,
                column: 0,
                value: points[index],
            });
        }
    }
    if a.is_none() && b.is_none() {
        let (mut u, mut v) = (u.to_vec(), v.to_vec());
        u.sort_unstable_by(f64::total_cmp);
        v.sort_unstable_by(f64::total_cmp);
        let power = sorted_uniform(&u, &v, exponent);
        if power.is_normal() {
            return Ok(exponent.root(power));
        }
    }
    let sorted = |points: &[f64], weights: Option<&[f64]>| -> Result<Vec<(f64, f64)>> {
        let weights = match weights {
            Some(weights) => super::cloud::checked_weights(weights, points.len())?,
            None => vec![1.0 / points.len() as f64; points.len()],
        };
        let mut pairs: Vec<_> = points.iter().copied().zip(weights).collect();
        pairs.sort_by(|x, y| x.0.total_cmp(&y.0));
        Ok(pairs)
    };
    let (u, v) = (sorted(u, a)?, sorted(v, b)?);
    let power = sorted_weighted(&u, &v, exponent);
    if power.is_normal() {
        return Ok(exponent.root(power));
    }
    in_range("Wasserstein distance", [of_any_size(u, v, exponent)]).map(|[distance]| distance)
}

/// W_p of measures whose p-th powers leave the range of numbers: W_∞ (Σ mass (r/W_∞)ᵖ)^{1/p}. O(n + m).
fn of_any_size(mut u: Vec<(f64, f64)>, mut v: Vec<(f64, f64)>, exponent: Exponent) -> f64 {
    // Differences of the largest numbers overflow, those of their quarters do not.
    let huge = u.iter().chain(&v).any(|x| x.0.abs() > 1.0);
    let unit = if huge { 0.25 } else { 1.0 };
    u.iter_mut().chain(&mut v).for_each(|x| x.0 *= unit);
    let largest = sorted_weighted(&u, &v, Exponent::Infinity);
    if largest == 0.0 || exponent == Exponent::Infinity {
        return largest / unit;
    }
    let sliver = sliver(&u, &v);
    let mut sum = 0.0;
    walk_weighted(&u, &v, |i, j, mass| {
        if mass > sliver {
            sum += mass * exponent.cost((u[i].0 - v[j].0) / largest);
        }
    });
    largest * exponent.root(sum) / unit
}

/// Greatest common divisor.
pub(crate) fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: [f64; 4] = [1.0, 2.0, 3.5, f64::INFINITY];

    #[test]
    fn unequal_sizes_agree_with_repeated_points() {
        let u = [-1.0, 0.2, 0.7];
        let v = [-2.0, 0.0, 0.1, 3.0];
        let repeat = |x: &[f64], k: usize| -> Vec<f64> { x.iter().flat_map(|&y| std::iter::repeat_n(y, k)).collect() };
        for p in P {
            let exact = wasserstein_1d(&u, None, &v, None, p).unwrap();
            let repeated = wasserstein_1d(&repeat(&u, 4), None, &repeat(&v, 3), None, p).unwrap();
            let weighted = wasserstein_1d(&u, Some(&[1.0 / 3.0; 3]), &v, Some(&[0.25; 4]), p).unwrap();
            assert!((exact - repeated).abs() <= 8.0 * f64::EPSILON * exact, "p = {p}");
            assert!((exact - weighted).abs() <= 32.0 * f64::EPSILON * exact, "p = {p}");
        }
    }

    #[test]
    fn splitting_an_atom_and_points_without_mass_change_nothing() {
        let (u, a) = ([0.3, -1.0, 2.0], [0.2, 0.5, 0.3]);
        let (v, b) = ([1.5, -0.5, 0.0], [0.5, 0.25, 0.25]);
        let (split, split_a) = ([0.3, -1.0, 2.0, -1.0, 9.0], [0.2, 0.5 / 3.0, 0.3, 1.0 / 3.0, 0.0]);
        for p in P {
            let whole = wasserstein_1d(&u, Some(&a), &v, Some(&b), p).unwrap();
            let parts = wasserstein_1d(&split, Some(&split_a), &v, Some(&b), p).unwrap();
            assert!((whole - parts).abs() <= 32.0 * f64::EPSILON * whole, "p = {p}");
        }
    }

    #[test]
    fn distances_of_any_size_are_numbers() {
        let (u, v) = ([-1.0, 0.25, 0.75], [-2.0, 0.0, 0.5]);
        for p in [1.0, 2.0, 3.5, 200.0, 1e5, f64::INFINITY] {
            let expected = ((1.0 + 2.0 * 0.25f64.powf(p)) / 3.0).powf(p.recip());
            for unit in [-1000, -600, 600, 1020].map(|power| 2f64.powi(power)) {
                let scaled = |x: [f64; 3]| x.map(|x| x * unit);
                let found = wasserstein_1d(&scaled(u), None, &scaled(v), None, p).unwrap();
                assert!((found / unit / expected - 1.0).abs() < 1e-13, "p = {p}, unit {unit:e}");
            }
        }
        assert!(wasserstein_1d(&[f64::MAX], None, &[f64::MIN], None, 2.0).is_err());
    }

    #[test]
    fn hostile_input_is_refused() {
        assert!(wasserstein_1d(&[], None, &[1.0], None, 2.0).is_err());
        assert!(wasserstein_1d(&[f64::NAN], None, &[1.0], None, 2.0).is_err());
        assert!(wasserstein_1d(&[1.0], None, &[1.0], None, 0.5).is_err());
        assert!(wasserstein_1d(&[1.0], None, &[1.0], None, f64::NAN).is_err());
        assert!(wasserstein_1d(&[1.0], Some(&[0.9]), &[1.0], None, 1.0).is_err());
    }
}
