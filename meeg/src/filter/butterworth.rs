//! Butterworth filters of any order.
//!
//! The analogue prototype has its N poles on the left half of the unit circle; the band edges are prewarped,
//! Ω = 2 f_s tan(π f/f_s), the prototype is moved to the band, and s = 2 f_s (z − 1)/(z + 1) takes it to discrete time
//! (Oppenheim & Schafer, *Discrete-Time Signal Processing*, section 7.2). Everything is done on poles and zeros: the
//! polynomial of a band-pass of order 8 at 1 Hz would lose all its digits.

use nalgebra::Complex;

use super::sections::{ZerosPolesGain, to_sections};
use super::sos::Sos;
use crate::error::{Error, Result};

type C = Complex<f64>;

/// The sampling rate of the bilinear transform, with frequencies in units of half the true rate.
const RATE: f64 = 2.0;

/// Largest order that is designed.
const HIGHEST_ORDER: usize = 64;

impl Sos {
    /// Butterworth band-pass of `order` (2 · `order` poles), −3 dB at `low` and `high` Hz.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless 1 <= order <= 64 and 0 < low < high < `sampling_rate`/2, and for an edge too
    /// near to either end for double precision at this order.
    ///
    /// ```
    /// use hadamard_meeg::filter::Sos;
    ///
    /// let alpha = Sos::band_pass(4, 8.0, 13.0, 500.0)?;
    /// assert!((alpha.gain(8.0, 500.0) - 0.5_f64.sqrt()).abs() < 1e-9);
    /// # Ok::<(), hadamard_meeg::Error>(())
    /// ```
    pub fn band_pass(order: usize, low: f64, high: f64, sampling_rate: f64) -> Result<Self> {
        let (centre, width) = band(order, low, high, sampling_rate)?;
        let poles = prototype(order).flat_map(|p| {
            let half = p * (width / 2.0);
            let root = (half * half - centre * centre).sqrt();
            [half + root, half - root]
        });
        discrete(
            ZerosPolesGain {
                zeros: vec![C::new(0.0, 0.0); order],
                poles: poles.collect(),
                gain: width.powi(order as i32),
            },
            low,
        )
    }

    /// Butterworth band-stop of `order` (2 · `order` poles), −3 dB at `low` and `high` Hz.
    ///
    /// # Errors
    /// As [`Self::band_pass`].
    pub fn band_stop(order: usize, low: f64, high: f64, sampling_rate: f64) -> Result<Self> {
        let (centre, width) = band(order, low, high, sampling_rate)?;
        let poles = prototype(order).flat_map(|p| {
            let half = C::from(width / 2.0) / p;
            let root = (half * half - centre * centre).sqrt();
            [half + root, half - root]
        });
        discrete(
            ZerosPolesGain {
                zeros: [C::new(0.0, centre), C::new(0.0, -centre)].repeat(order),
                poles: poles.collect(),
                gain: 1.0,
            },
            low,
        )
    }

    /// Butterworth low-pass of `order`, −3 dB at `edge` Hz.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless 1 <= order <= 64 and 0 < edge < `sampling_rate`/2, and for an edge too near
    /// to either end for double precision at this order.
    pub fn low_pass(order: usize, edge: f64, sampling_rate: f64) -> Result<Self> {
        let warped = prewarp(order, "edge", edge, sampling_rate)?;
        discrete(
            ZerosPolesGain {
                zeros: Vec::new(),
                poles: prototype(order).map(|p| p * warped).collect(),
                gain: warped.powi(order as i32),
            },
            edge,
        )
    }

    /// Butterworth high-pass of `order`, −3 dB at `edge` Hz.
    ///
    /// # Errors
    /// As [`Self::low_pass`].
    pub fn high_pass(order: usize, edge: f64, sampling_rate: f64) -> Result<Self> {
        let warped = prewarp(order, "edge", edge, sampling_rate)?;
        discrete(
            ZerosPolesGain {
                zeros: vec![C::new(0.0, 0.0); order],
                poles: prototype(order).map(|p| C::from(warped) / p).collect(),
                gain: 1.0,
            },
            edge,
        )
    }
}

/// Centre √(Ω_low Ω_high) and width Ω_high − Ω_low of the prewarped band.
fn band(order: usize, low: f64, high: f64, sampling_rate: f64) -> Result<(f64, f64)> {
    let warped = [
        prewarp(order, "low", low, sampling_rate)?,
        prewarp(order, "high", high, sampling_rate)?,
    ];
    if low >= high {
        return Err(Error::InvalidParameter {
            name: "low",
            value: low,
            reason: "must be below the upper edge of the band",
        });
    }
    Ok(((warped[0] * warped[1]).sqrt(), warped[1] - warped[0]))
}

fn prewarp(order: usize, name: &'static str, edge: f64, sampling_rate: f64) -> Result<f64> {
    if !(1..=HIGHEST_ORDER).contains(&order) {
        return Err(Error::InvalidParameter {
            name: "order",
            value: order as f64,
            reason: "must lie between 1 and 64",
        });
    }
    if !(edge > 0.0 && edge < sampling_rate / 2.0) {
        return Err(Error::InvalidParameter {
            name,
            value: edge,
            reason: "must lie between 0 and half the sampling rate",
        });
    }
    // The quotient first: it is below 1/2, while π times an edge may leave the range of numbers.
    Ok(2.0 * RATE * (std::f64::consts::PI * (edge / sampling_rate)).tan())
}

/// Poles −exp(iπ m/(2N)), m = −N+1, −N+3, ..., N−1.
fn prototype(order: usize) -> impl Iterator<Item = C> {
    (0..order).map(move |i| {
        let m = 2.0 * i as f64 - (order as f64 - 1.0);
        let angle = std::f64::consts::PI * m / (2.0 * order as f64);
        // The middle pole of an odd order is real to the last bit.
        if m == 0.0 {
            C::new(-1.0, 0.0)
        } else {
            -C::new(angle.cos(), angle.sin())
        }
    })
}

/// Bilinear transform z = (2 f_s + s)/(2 f_s − s); zeros at infinity go to −1.
fn discrete(analogue: ZerosPolesGain, edge: f64) -> Result<Sos> {
    let scale = C::from(2.0 * RATE);
    let product = |roots: &[C]| {
        roots
            .iter()
            .fold(C::new(1.0, 0.0), |product, root| product * (scale - root))
    };
    let gain = analogue.gain * (product(&analogue.zeros) / product(&analogue.poles)).re;
    let map = |roots: Vec<C>| roots.into_iter().map(|root| (scale + root) / (scale - root));
    let missing = analogue.poles.len() - analogue.zeros.len();
    let zeros: Vec<C> = map(analogue.zeros)
        .chain(std::iter::repeat_n(C::new(-1.0, 0.0), missing))
        .collect();
    let poles: Vec<C> = map(analogue.poles).collect();
    // Roots that are no numbers cannot be paired.
    if !poles.iter().chain(&zeros).all(|root| root.is_finite()) {
        return Err(Sos::beyond_precision(edge));
    }
    Sos::from_sections(to_sections(ZerosPolesGain { zeros, poles, gain }), edge)
}
