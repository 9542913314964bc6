//! Scaling by powers of two: no rounding, no overflow of squares.

/// The power of two at the largest |x|, kept inside the range whose reciprocal is a normal number; 1 for zeros.
pub(crate) fn power_of_two(values: impl Iterator<Item = f64>) -> f64 {
    let largest = values.fold(0.0, |m: f64, x| m.max(x.abs()));
    if largest == 0.0 {
        return 1.0;
    }
    2f64.powi((largest.log2().floor() as i32).clamp(-1000, 1000))
}
