//! Notch against mains.

use super::sos::{Section, Sos};
use crate::error::{Error, Result};

impl Sos {
    /// Notch of one section: gain 0 at `frequency` Hz, −3 dB at a width of `frequency`/`quality`.
    ///
    /// With ω = 2π f/f_s and g = 1/(1 + tan(ω/(2Q))): b = g (1, −2 cos ω, 1), a = (1, −2 g cos ω, 2g − 1)
    /// (Orfanidis, *Introduction to Signal Processing*, section 11.3).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless 0 < frequency < `sampling_rate`/2 and the quality is finite and above
    /// 2 frequency/`sampling_rate`.
    pub fn notch(frequency: f64, quality: f64, sampling_rate: f64) -> Result<Self> {
        if !(frequency > 0.0 && frequency < sampling_rate / 2.0) {
            return Err(Error::InvalidParameter {
                name: "frequency",
                value: frequency,
                reason: "must lie between 0 and half the sampling rate",
            });
        }
        let omega = std::f64::consts::TAU * (frequency / sampling_rate);
        if !(quality.is_finite() && omega / quality < std::f64::consts::PI && quality > 0.0) {
            return Err(Error::InvalidParameter {
                name: "quality",
                value: quality,
                reason: "must be positive and leave a stop band below half the sampling rate",
            });
        }
        let gain = 1.0 / (1.0 + (omega / quality / 2.0).tan());
        let cosine = -2.0 * omega.cos();
        let section = Section {
            b: [gain, gain * cosine, gain],
            a: [gain * cosine, 2.0 * gain - 1.0],
        };
        Self::from_sections(vec![section], frequency)
    }
}
