//! The floats in their order, as integers.

/// Position of x among the floats: order preserving, neighbours differ by one, both zeros at 0.
pub(super) fn key(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    if bits >= 0 { bits } else { -(bits & i64::MAX) }
}

/// The float at a position.
pub(super) fn unkey(key: i64) -> f64 {
    if key >= 0 {
        f64::from_bits(key as u64)
    } else {
        -f64::from_bits(key.unsigned_abs())
    }
}

/// Number of floats from a to b; keys of opposite sign may lie further apart than an i64 holds.
pub(super) fn distance(a: i64, b: i64) -> i128 {
    i128::from(b) - i128::from(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_enumerate_the_floats() {
        for x in [-f64::MAX, -1.0, -f64::from_bits(1), 0.0, 1.0, f64::MAX] {
            assert_eq!(unkey(key(x)), x);
            assert_eq!(key(x.next_down()), key(x) - 1);
        }
        assert_eq!(key(-0.0), 0);
        assert_eq!(distance(key(-f64::MAX), key(f64::MAX)), 2 * i128::from(key(f64::MAX)));
    }
}
