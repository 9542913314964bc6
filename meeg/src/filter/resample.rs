//! Decimation by a whole factor.

use crate::error::{Error, Result};
use crate::io::Signal;

/// Half length of the anti-aliasing filter in output samples.
const HALF_LENGTH: usize = 10;

/// Shape of the Kaiser window.
const KAISER: f64 = 5.0;

/// Every `factor`-th sample after a linear-phase low-pass at the new Nyquist frequency.
///
/// The filter is a windowed sinc of 20 · factor + 1 taps with a Kaiser window of β = 5, centred, so that it adds no
/// delay; the ends are continued oddly. ⌈samples/factor⌉ samples come out. O(channels · samples · 20).
///
/// # Errors
/// [`Error::InvalidParameter`] for factor 0; [`Error::TooFewSamples`] unless there are more than 10 · factor samples.
pub fn decimate(signal: &Signal, factor: usize) -> Result<Signal> {
    if factor == 0 {
        return Err(Error::InvalidParameter {
            name: "factor",
            value: 0.0,
            reason: "must be at least 1",
        });
    }
    if factor == 1 {
        return Ok(signal.clone());
    }
    let samples = signal.samples();
    let half = HALF_LENGTH.saturating_mul(factor);
    if samples <= half {
        return Err(Error::TooFewSamples {
            context: "signal".into(),
            samples,
            needed: half.saturating_add(1),
            purpose: "decimation by this factor",
        });
    }
    let taps = low_pass(half, factor);
    let mut data = Vec::with_capacity(signal.channels() * samples.div_ceil(factor));
    let mut padded = vec![0.0; samples + 2 * half];
    for channel in 0..signal.channels() {
        let x = signal.channel(channel);
        padded[half..half + samples].copy_from_slice(x);
        for i in 1..=half {
            padded[half - i] = 2.0 * x[0] - x[i];
            padded[half + samples - 1 + i] = 2.0 * x[samples - 1] - x[samples - 1 - i];
        }
        for start in (0..samples).step_by(factor) {
            data.push(
                padded[start..start + taps.len()]
                    .iter()
                    .zip(&taps)
                    .map(|(x, tap)| x * tap)
                    .sum(),
            );
        }
    }
    Ok(Signal::new(signal.names().to_vec(), signal.sampling_rate() / factor as f64, data)?.with_start(signal.start()))
}

/// Taps sinc(k/factor) · Kaiser(k), k = −half..half, scaled to sum to 1.
fn low_pass(half: usize, factor: usize) -> Vec<f64> {
    let tap = |k: isize| {
        let x = std::f64::consts::PI * k as f64 / factor as f64;
        let sinc = if k == 0 { 1.0 } else { x.sin() / x };
        let r = k as f64 / half as f64;
        sinc * bessel_i0(KAISER * (1.0 - r * r).max(0.0).sqrt())
    };
    let half = half as isize;
    let taps: Vec<f64> = (-half..=half).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

/// Modified Bessel function I0 by its power series Σ (x²/4)^k/(k!)².
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > f64::EPSILON * sum {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}
