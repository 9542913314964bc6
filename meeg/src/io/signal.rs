//! Channels x time in memory.

use std::ops::Range;

use nalgebra::DMatrixView;
use ndarray::ArrayView2;

use super::channel;
use crate::error::{Error, Result};

/// Channels x time, channel after channel in one contiguous buffer.
///
/// Values read from a recording are in volts, teslas or teslas a metre, or in the file's unit where that is none of these.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    names: Vec<String>,
    sampling_rate: f64,
    start: f64,
    samples: usize,
    data: Vec<f64>,
}

/// A window of channels x time, borrowed: what covariance estimators take.
#[derive(Debug, Clone, Copy)]
pub struct SignalView<'a> {
    data: &'a [f64],
    stride: usize,
    channels: usize,
    samples: usize,
}

impl Signal {
    /// Wraps `data`, channel after channel; `sampling_rate` in Hz.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] when the length is no multiple of the number of names,
    /// [`Error::InvalidParameter`] for a rate that is not positive and finite, [`Error::Empty`] without a channel.
    ///
    /// ```
    /// use hadamard_meeg::Signal;
    ///
    /// let signal = Signal::new(vec!["Cz".into(), "Pz".into()], 2.0, vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0])?;
    /// assert_eq!(signal.samples(), 3);
    /// assert_eq!(signal.channel(1), [10.0, 20.0, 30.0]);
    /// # Ok::<(), hadamard_meeg::Error>(())
    /// ```
    pub fn new(names: Vec<String>, sampling_rate: f64, data: Vec<f64>) -> Result<Self> {
        if !(sampling_rate > 0.0 && sampling_rate.is_finite()) {
            return Err(Error::InvalidParameter {
                name: "sampling_rate",
                value: sampling_rate,
                reason: "must be positive and finite",
            });
        }
        if names.is_empty() {
            return Err(Error::Empty {
                what: "list of channel names",
            });
        }
        if !data.len().is_multiple_of(names.len()) {
            return Err(Error::DimensionMismatch {
                what: "length of the samples modulo the number of channels",
                expected: 0,
                found: data.len() % names.len(),
            });
        }
        Ok(Self {
            samples: data.len() / names.len(),
            names,
            sampling_rate,
            start: 0.0,
            data,
        })
    }

    /// The same signal with its first sample `seconds` after the start of the recording.
    pub fn with_start(mut self, seconds: f64) -> Self {
        self.start = seconds;
        self
    }

    /// Channel names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Samples per second.
    pub fn sampling_rate(&self) -> f64 {
        self.sampling_rate
    }

    /// Seconds between the start of the recording and the first sample here.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.names.len()
    }

    /// Number of samples of each channel.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.samples as f64 / self.sampling_rate
    }

    /// All samples, channel after channel.
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// All samples for writing, channel after channel.
    pub fn as_mut_slice(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// Gives the samples back.
    pub fn into_vec(self) -> Vec<f64> {
        self.data
    }

    /// Samples of channel `index`. Panics when `index >= channels()`, as slices do.
    pub fn channel(&self, index: usize) -> &[f64] {
        &self.data[index * self.samples..(index + 1) * self.samples]
    }

    /// Samples of channel `index` for writing. Panics when `index >= channels()`, as slices do.
    pub fn channel_mut(&mut self, index: usize) -> &mut [f64] {
        &mut self.data[index * self.samples..(index + 1) * self.samples]
    }

    /// Time x channels as a matrix, without copying (column = channel).
    pub fn as_matrix(&self) -> DMatrixView<'_, f64> {
        DMatrixView::from_slice(&self.data, self.samples, self.channels())
    }

    /// Channels x time as an array, without copying.
    pub fn as_array(&self) -> ArrayView2<'_, f64> {
        ArrayView2::from_shape((self.channels(), self.samples), &self.data).expect("the length is channels x samples")
    }

    /// The whole signal, borrowed.
    pub fn view(&self) -> SignalView<'_> {
        SignalView {
            data: &self.data,
            stride: self.samples,
            channels: self.channels(),
            samples: self.samples,
        }
    }

    /// The samples of `range` of all channels, borrowed.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn window(&self, range: Range<usize>) -> Result<SignalView<'_>> {
        if range.start > range.end || range.end > self.samples {
            return Err(Error::OutOfRange {
                context: "signal".into(),
                start: range.start,
                end: range.end,
                samples: self.samples,
            });
        }
        Ok(SignalView {
            data: &self.data[range.start..],
            stride: self.samples,
            channels: self.channels(),
            samples: range.len(),
        })
    }

    /// The named channels, in that order, matched as [`channel::find`] does.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`], [`Error::DuplicateChannel`].
    pub fn pick(&self, names: &[impl AsRef<str>]) -> Result<Self> {
        let picks = channel::find(&self.names, names, "signal")?;
        let mut data = Vec::with_capacity(picks.len() * self.samples);
        for &index in &picks {
            data.extend_from_slice(self.channel(index));
        }
        let names = picks.iter().map(|&index| self.names[index].clone()).collect();
        Ok(Self::new(names, self.sampling_rate, data)?.with_start(self.start))
    }

    /// The first sample that is NaN or infinite, as an error; `context` names the signal in it.
    ///
    /// # Errors
    /// [`Error::BadSample`].
    pub fn check_finite(&self, context: &str) -> Result<()> {
        // The sum of |x|·0 is 0 unless some x is not finite: one vectorised pass before the search.
        if self.data.iter().map(|x| x * 0.0).sum::<f64>() == 0.0 {
            return Ok(());
        }
        for (index, name) in self.names.iter().enumerate() {
            if let Some(sample) = self.channel(index).iter().position(|x| !x.is_finite()) {
                return Err(Error::BadSample {
                    context: context.into(),
                    channel: name.clone(),
                    sample,
                    value: self.channel(index)[sample],
                });
            }
        }
        Ok(())
    }

    /// The first channel whose samples are all equal, as an error; `context` names the signal in it.
    ///
    /// # Errors
    /// [`Error::FlatChannel`].
    pub fn check_not_flat(&self, context: &str) -> Result<()> {
        for (index, name) in self.names.iter().enumerate() {
            let channel = self.channel(index);
            if channel.iter().all(|x| *x == channel[0]) {
                return Err(Error::FlatChannel {
                    context: context.into(),
                    channel: name.clone(),
                });
            }
        }
        Ok(())
    }
}

impl<'a> SignalView<'a> {
    /// Views `data`, `channels` rows of `samples` values each.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] when `data` has another length.
    pub fn new(data: &'a [f64], channels: usize, samples: usize) -> Result<Self> {
        if channels.checked_mul(samples) != Some(data.len()) {
            return Err(Error::DimensionMismatch {
                what: "channels times samples",
                expected: channels.saturating_mul(samples),
                found: data.len(),
            });
        }
        Ok(Self {
            data,
            stride: samples,
            channels,
            samples,
        })
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of samples of each channel.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Samples of channel `index`. Panics when `index >= channels()`, as slices do.
    pub fn channel(&self, index: usize) -> &'a [f64] {
        assert!(index < self.channels, "channel {index} of {}", self.channels);
        &self.data[index * self.stride..index * self.stride + self.samples]
    }
}
