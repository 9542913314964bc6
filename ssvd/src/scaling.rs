//! Scaling by powers of two: no rounding, no overflow of squares.

/// The power of two at or below `x`, kept inside the range whose reciprocal is a normal number; 1 for zero.
pub(crate) fn power_of_two(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return 1.0;
    }
    2f64.powi((x.log2().floor() as i32).clamp(-1000, 1000))
}
