//! Scaling by powers of two: no rounding, no overflow of squares.

/// The power of two at or below `x`, kept inside the range whose reciprocal is a normal number; 1 for zero.
pub(crate) fn power_of_two(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return 1.0;
    }
    2f64.powi((x.log2().floor() as i32).clamp(-1000, 1000))
}

/// (sum x^2)^{1/2} of numbers of any size.
pub(crate) fn norm(values: &[f64]) -> f64 {
    let unit = power_of_two(values.iter().fold(0.0, |m: f64, x| m.max(x.abs())));
    unit * values.iter().map(|x| (x / unit).powi(2)).sum::<f64>().sqrt()
}

/// (a^2 - b^2)^{1/2} for norms of any size, zero when b >= a.
pub(crate) fn rest(a: f64, b: f64) -> f64 {
    if b >= a { 0.0 } else { (a - b).sqrt() * (a + b).sqrt() }
}

/// [`rest`], where a difference below the rounding of `size` squares is zero.
pub(crate) fn clean_rest(a: f64, b: f64, size: usize) -> f64 {
    if a - b > 4.0 * f64::EPSILON * size as f64 * a {
        rest(a, b)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_of_any_size() {
        for unit in [1e-300, 1e-150, 1.0, 1e150, 1e300] {
            assert!((norm(&[3.0 * unit, 0.0, -4.0 * unit]) / (5.0 * unit) - 1.0).abs() < 1e-15);
            assert!((rest(5.0 * unit, 4.0 * unit) / (3.0 * unit) - 1.0).abs() < 1e-15);
        }
        assert_eq!((norm(&[]), norm(&[0.0]), rest(1.0, 2.0)), (0.0, 0.0, 0.0));
        assert_eq!(
            (clean_rest(1.0, 1.0 - f64::EPSILON, 4), clean_rest(1.0, 0.0, 4)),
            (0.0, 1.0)
        );
    }
}
