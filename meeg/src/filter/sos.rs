//! Filters as cascades of second-order sections.

use super::lanes::{self, LANES};
use crate::error::{Error, Result};
use crate::io::Signal;

/// A cascade of second-order sections H(z) = Π (b0 + b1 z⁻¹ + b2 z⁻²)/(1 + a1 z⁻¹ + a2 z⁻²).
#[derive(Debug, Clone, PartialEq)]
pub struct Sos {
    sections: Vec<Section>,
}

/// Coefficients of one section; a0 = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Section {
    pub(super) b: [f64; 3],
    pub(super) a: [f64; 2],
}

impl Sos {
    /// Errs when the sections are not numbers or have no steady state: an edge so near to 0 (relative to the sampling
    /// rate) that the poles round to 1.
    pub(super) fn from_sections(sections: Vec<Section>, edge: f64) -> Result<Self> {
        let filter = Self { sections };
        let finite = filter.coefficients().iter().flatten().all(|c| c.is_finite())
            && filter.steady_state().iter().flatten().all(|c| c.is_finite());
        if !finite {
            return Err(Self::beyond_precision(edge));
        }
        Ok(filter)
    }

    pub(super) fn beyond_precision(edge: f64) -> Error {
        Error::InvalidParameter {
            name: "edge",
            value: edge,
            reason: "too near to 0 or to half the sampling rate for double precision at this order",
        }
    }

    /// Rows b0, b1, b2, a0, a1, a2 with a0 = 1, as other libraries print them.
    pub fn coefficients(&self) -> Vec<[f64; 6]> {
        let row = |Section { b, a }: &Section| [b[0], b[1], b[2], 1.0, a[0], a[1]];
        self.sections.iter().map(row).collect()
    }

    /// Samples that a zero-phase filter adds at each end: 3 (2 sections + 1 − s), s the sections of first order.
    pub fn padding(&self) -> usize {
        let zeros = self.sections.iter().filter(|section| section.b[2] == 0.0).count();
        let poles = self.sections.iter().filter(|section| section.a[1] == 0.0).count();
        3 * (2 * self.sections.len() + 1 - zeros.min(poles))
    }

    /// Gain |H(e^{iω})| at a frequency in Hz.
    pub fn gain(&self, frequency: f64, sampling_rate: f64) -> f64 {
        let omega = std::f64::consts::TAU * frequency / sampling_rate;
        let at = |c: [f64; 3]| {
            let re = c[0] + c[1] * omega.cos() + c[2] * (2.0 * omega).cos();
            let im = c[1] * omega.sin() + c[2] * (2.0 * omega).sin();
            re.hypot(im)
        };
        self.sections
            .iter()
            .map(|Section { b, a }| at(*b) / at([1.0, a[0], a[1]]))
            .product()
    }

    /// State of each section in the steady state of a constant input 1.
    pub fn steady_state(&self) -> Vec<[f64; 2]> {
        let mut level = 1.0;
        let state = |Section { b, a }: &Section| {
            let gain = (b[0] + b[1] + b[2]) / (1.0 + a[0] + a[1]);
            let state = [level * (gain - b[0]), level * (b[2] - a[1] * gain)];
            level *= gain;
            state
        };
        self.sections.iter().map(state).collect()
    }

    /// Causal filter from a state of rest: y follows x with the filter's delay. O(channels · samples · sections).
    pub fn filter(&self, signal: &Signal) -> Signal {
        let mut out = signal.clone();
        let samples = signal.samples();
        let mut buffer = vec![[0.0; LANES]; samples];
        for channels in out.as_mut_slice().chunks_mut((LANES * samples).max(1)) {
            lanes::interleave(channels, samples, &mut buffer);
            let mut states = vec![[[0.0; LANES]; 2]; self.sections.len()];
            lanes::run(&self.sections, &mut states, &mut buffer);
            lanes::separate(&buffer, samples, channels);
        }
        out
    }

    /// Zero-phase filter: forward, then backward, with the ends continued oddly by [`Self::padding`] samples.
    ///
    /// The gain is |H|². Each pass starts in the steady state of its first sample (Gustafsson's problem solved by
    /// padding, as `scipy.signal.sosfiltfilt` does, whose results these equal). Eight channels go side by side in SIMD
    /// lanes. O(channels · samples · sections).
    ///
    /// # Errors
    /// [`Error::TooFewSamples`] unless there are more samples than [`Self::padding`].
    pub fn filter_zero_phase(&self, signal: &Signal) -> Result<Signal> {
        let mut out = signal.clone();
        self.filter_zero_phase_in_place(&mut out)?;
        Ok(out)
    }

    /// As [`Self::filter_zero_phase`], in place.
    ///
    /// # Errors
    /// As [`Self::filter_zero_phase`].
    pub fn filter_zero_phase_in_place(&self, signal: &mut Signal) -> Result<()> {
        let (samples, padding) = (signal.samples(), self.padding());
        if samples <= padding {
            return Err(Error::TooFewSamples {
                context: "signal".into(),
                samples,
                needed: padding + 1,
                purpose: "a zero-phase filter of this order",
            });
        }
        let steady = self.steady_state();
        let mut buffer = vec![[0.0; LANES]; samples + 2 * padding];
        for channels in signal.as_mut_slice().chunks_mut(LANES * samples) {
            let (inner, end) = (padding..padding + samples, padding + samples - 1);
            lanes::interleave(channels, samples, &mut buffer[inner.clone()]);
            for lane in 0..LANES {
                let (first, last) = (buffer[padding][lane], buffer[end][lane]);
                for i in 1..=padding {
                    buffer[padding - i][lane] = 2.0 * first - buffer[padding + i][lane];
                    buffer[end + i][lane] = 2.0 * last - buffer[end - i][lane];
                }
            }
            for _ in 0..2 {
                let first = buffer[0];
                let mut states: Vec<_> = steady
                    .iter()
                    .map(|state| state.map(|s| first.map(|level| s * level)))
                    .collect();
                lanes::run(&self.sections, &mut states, &mut buffer);
                buffer.reverse();
            }
            lanes::separate(&buffer[inner], samples, channels);
        }
        Ok(())
    }
}
