//! Sines and exponentials of many numbers: series in loops without branches, which run on several numbers at once.
//!
//! The loops are compiled for wider registers too. No product is fused with a sum, so the results are the same on all.

/// Adding it rounds to a whole number, whose last bits become those of the sum: 1.5·2^52.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// A loop, compiled for the registers that the processor has.
macro_rules! widest {
    ($(#[$doc:meta])* $name:ident, $all:ident) => {
        $(#[$doc])*
        pub(super) fn $name(v: &[f64], out: &mut [f64]) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2(v: &[f64], out: &mut [f64]) {
                    $all(v, out);
                }
                #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
                fn avx512(v: &[f64], out: &mut [f64]) {
                    $all(v, out);
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the processor has these instructions.
                    return unsafe { avx512(v, out) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has these instructions.
                    return unsafe { avx2(v, out) };
                }
            }
            $all(v, out);
        }
    };
}

widest! {
    /// sin of every number, to two units in its last place and 1e-25 |v|.
    sines, all_sines
}

widest! {
    /// exp of every number, to two units in its last place.
    exponentials, all_exponentials
}

#[inline(always)]
fn all_sines(v: &[f64], out: &mut [f64]) {
    /// π without its last twenty bits, so that its multiples below 2^20 π are exact, and the rest of it.
    const PI: (f64, f64) = (f64::from_bits(0x4009_21FB_5440_0000), 1.215_420_101_301_238_4e-10);
    // 1/3!, 1/5!, ..., 1/21!: for |r| ≤ π/2 what is left out is below 2e-18.
    const TERMS: [f64; 10] = [
        1.0 / 51_090_942_171_709_440_000.0,
        1.0 / 121_645_100_408_832_000.0,
        1.0 / 355_687_428_096_000.0,
        1.0 / 1_307_674_368_000.0,
        1.0 / 6_227_020_800.0,
        1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        1.0 / 5040.0,
        1.0 / 120.0,
        1.0 / 6.0,
    ];
    if !v.iter().fold(true, |near, v| near & (v.abs() < 1e6)) {
        out.iter_mut().zip(v).for_each(|(out, v)| *out = v.sin());
        return;
    }
    for (out, &v) in out.iter_mut().zip(v) {
        let shifted = v * std::f64::consts::FRAC_1_PI + WHOLE;
        let turns = shifted - WHOLE;
        let r = (v - turns * PI.0) - turns * PI.1;
        let square = r * r;
        let series = TERMS.iter().fold(0.0, |sum, term| term - square * sum);
        let sine = r - r * (square * series);
        // Half a turn more changes the sign.
        *out = f64::from_bits(sine.to_bits() ^ (shifted.to_bits() << 63));
    }
}

#[inline(always)]
fn all_exponentials(v: &[f64], out: &mut [f64]) {
    /// ln 2 without its last twenty bits, so that its multiples are exact, and the rest of it.
    const LN_2: (f64, f64) = (f64::from_bits(0x3FE6_2E42_FEE0_0000), 1.908_214_929_270_587_7e-10);
    // 1/13!, 1/12!, ..., 1/2!: for |r| ≤ ln 2/2 what is left out is below 5e-18.
    const TERMS: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    // Powers of two beyond these are no normal numbers.
    if !v.iter().fold(true, |near, v| near & (v.abs() < 700.0)) {
        out.iter_mut().zip(v).for_each(|(out, v)| *out = v.exp());
        return;
    }
    for (out, &v) in out.iter_mut().zip(v) {
        let shifted = v * std::f64::consts::LOG2_E + WHOLE;
        let halvings = shifted - WHOLE;
        let r = (v - halvings * LN_2.0) - halvings * LN_2.1;
        let series = TERMS.iter().fold(0.0, |sum, term| term + r * sum);
        let power = 1.0 + (r + r * r * series);
        // The power of two goes into the exponent.
        *out = f64::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 52));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_those_of_the_library() {
        let mut numbers: Vec<f64> = (-69_999..70_000).map(|i| f64::from(i) * 0.01).collect();
        numbers.extend([0.0, -0.0, 1e-300, 1e-17, -1e-9, 0.346_57, -0.346_58]);
        let mut found = vec![0.0; numbers.len()];
        exponentials(&numbers, &mut found);
        for (v, e) in numbers.iter().zip(&found) {
            assert!(
                (e - v.exp()).abs() <= 2.0 * f64::EPSILON * v.exp(),
                "{v} {e} {}",
                v.exp()
            );
        }
        let mut portable = vec![0.0; numbers.len()];
        all_exponentials(&numbers, &mut portable);
        assert_eq!(found, portable);
        let mut far = [0.0; 4];
        exponentials(&[1e300, f64::NAN, f64::NEG_INFINITY, -740.0], &mut far);
        assert_eq!((far[0], far[2], far[3]), (f64::INFINITY, 0.0, (-740.0_f64).exp()));
        assert!(far[1].is_nan());
    }

    #[test]
    fn sines_are_those_of_the_library() {
        let mut numbers: Vec<f64> = (-40_000..40_000).map(|i| f64::from(i) * 0.003_7).collect();
        numbers.extend((1..200).map(|k| f64::from(k) * std::f64::consts::PI));
        numbers.extend([0.0, -0.0, 1e-300, 1e-9, 999_999.5, -123_456.7]);
        let mut found = vec![0.0; numbers.len()];
        sines(&numbers, &mut found);
        for (v, s) in numbers.iter().zip(&found) {
            // Rounding of the reduced argument and of the last sum; the parts of π leave out 2^-86.
            let limit = 2.0 * f64::EPSILON * v.sin().abs() + 1e-25 * v.abs();
            assert!((s - v.sin()).abs() <= limit, "{v} {s} {}", v.sin());
        }
        let mut portable = vec![0.0; numbers.len()];
        all_sines(&numbers, &mut portable);
        assert_eq!(found, portable);
        let mut far = [0.0; 3];
        sines(&[1e300, f64::NAN, f64::INFINITY], &mut far);
        assert_eq!(far[0], 1e300_f64.sin());
        assert!(far[1].is_nan() && far[2].is_nan());
    }
}
