//! Windows of a recording: of fixed length or around events, and what makes one unusable.

use crate::error::{Error, Result};
use crate::io::{Annotation, Signal, SignalView};

/// A stretch of samples of a [`Signal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// First sample.
    pub start: usize,
    /// Number of samples.
    pub samples: usize,
    /// Text of the event that it was cut around.
    pub label: Option<String>,
}

/// Windows around events, and the events too close to an end of the signal to have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWindows {
    /// One window for each event inside the signal, in the order of the events.
    pub windows: Vec<Window>,
    /// Positions in the list of annotations of the events whose window leaves the signal.
    pub outside: Vec<usize>,
}

/// A window that should not be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Position in the list of windows.
    pub window: usize,
    /// Name of the channel.
    pub channel: String,
    /// What is wrong with that channel.
    pub cause: Cause,
}

/// Why a window was rejected.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// A sample is NaN or infinite.
    NotFinite,
    /// All samples are equal.
    Flat,
    /// Largest minus smallest sample exceeds the limit.
    PeakToPeak(f64),
}

/// Equally long pieces of channels x time: epoch after epoch, channel after channel, in one contiguous buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct Epochs {
    names: Vec<String>,
    sampling_rate: f64,
    samples: usize,
    data: Vec<f64>,
}

impl Window {
    /// All samples of a signal.
    pub fn whole(signal: &Signal) -> Self {
        Self {
            start: 0,
            samples: signal.samples(),
            label: None,
        }
    }
}

/// Windows of `seconds` each, one starting every `seconds - overlap` seconds; a rest at the end is dropped.
///
/// Lengths are rounded to whole samples.
///
/// # Errors
/// [`Error::InvalidParameter`] unless `0 <= overlap < seconds`; [`Error::TooFewSamples`] when not one window fits.
///
/// ```
/// use hadamard_meeg::{Signal, epochs};
///
/// let signal = Signal::new(vec!["Cz".into()], 100.0, vec![0.0; 1000])?;
/// let windows = epochs::fixed_length(&signal, 4.0, 1.0)?;
/// assert_eq!(windows.iter().map(|w| w.start).collect::<Vec<_>>(), [0, 300, 600]);
/// # Ok::<(), hadamard_meeg::Error>(())
/// ```
pub fn fixed_length(signal: &Signal, seconds: f64, overlap: f64) -> Result<Vec<Window>> {
    let samples = (seconds * signal.sampling_rate()).round();
    if !(samples >= 1.0 && samples < usize::MAX as f64) {
        return Err(Error::InvalidParameter {
            name: "seconds",
            value: seconds,
            reason: "a window needs at least one sample",
        });
    }
    let step = ((seconds - overlap) * signal.sampling_rate()).round();
    if !(overlap >= 0.0 && step >= 1.0) {
        return Err(Error::InvalidParameter {
            name: "overlap",
            value: overlap,
            reason: "must be at least 0 and less than the length of the window",
        });
    }
    let (samples, step) = (samples as usize, step as usize);
    if samples > signal.samples() {
        return Err(Error::TooFewSamples {
            context: "signal".into(),
            samples: signal.samples(),
            needed: samples,
            purpose: "one window",
        });
    }
    let window = |start| Window {
        start,
        samples,
        label: None,
    };
    Ok((0..=signal.samples() - samples).step_by(step).map(window).collect())
}

/// Windows from `from` to `to` seconds after each event whose text is in `labels` (every event when `labels` is empty).
///
/// Onsets are rounded to the nearest sample; all windows have `round((to − from) · rate)` samples. Onsets count from
/// the first sample of the recording, of which `signal` may be a part ([`Signal::start`]).
///
/// # Errors
/// [`Error::InvalidParameter`] unless a window has a sample; [`Error::BadText`] for a label that no event has.
pub fn event_locked(
    signal: &Signal,
    annotations: &[Annotation],
    labels: &[impl AsRef<str>],
    from: f64,
    to: f64,
) -> Result<EventWindows> {
    let rate = signal.sampling_rate();
    let samples = ((to - from) * rate).round();
    if !(samples >= 1.0 && samples < usize::MAX as f64 && from.is_finite()) {
        return Err(Error::InvalidParameter {
            name: "to",
            value: to,
            reason: "must be finite and at least one sample after `from`",
        });
    }
    let samples = samples as usize;
    for label in labels.iter().map(AsRef::as_ref) {
        if !annotations.iter().any(|annotation| annotation.text == label) {
            return Err(Error::BadText {
                what: "event",
                value: label.into(),
                reason: "no annotation has this text".into(),
            });
        }
    }
    let mut windows = Vec::new();
    let mut outside = Vec::new();
    for (index, annotation) in annotations.iter().enumerate() {
        if !labels.is_empty() && !labels.iter().any(|label| label.as_ref() == annotation.text) {
            continue;
        }
        let onset = ((annotation.onset - signal.start()) * rate).round() + (from * rate).round();
        if onset >= 0.0 && onset <= signal.samples() as f64 && onset as usize + samples <= signal.samples() {
            windows.push(Window {
                start: onset as usize,
                samples,
                label: Some(annotation.text.clone()),
            });
        } else {
            outside.push(index);
        }
    }
    Ok(EventWindows { windows, outside })
}

/// The windows that hold a NaN, a flat channel, or more than `peak_to_peak` between two samples of a channel.
///
/// Reports the first bad channel of each window, windows in order. `peak_to_peak` is in the unit of the signal.
///
/// # Errors
/// [`Error::OutOfRange`] for a window outside the signal.
pub fn unusable(signal: &Signal, windows: &[Window], peak_to_peak: Option<f64>) -> Result<Vec<Rejection>> {
    let mut rejections = Vec::new();
    for (index, window) in windows.iter().enumerate() {
        let view = signal.window(window.start..window.start.saturating_add(window.samples))?;
        if let Some((channel, cause)) = first_cause(&view, peak_to_peak) {
            rejections.push(Rejection {
                window: index,
                channel: signal.names()[channel].clone(),
                cause,
            });
        }
    }
    Ok(rejections)
}

/// The windows that are not among the rejections.
pub fn keep(windows: &[Window], rejections: &[Rejection]) -> Vec<Window> {
    let rejected = |index| rejections.iter().any(|rejection| rejection.window == index);
    windows
        .iter()
        .enumerate()
        .filter(|(index, _)| !rejected(*index))
        .map(|(_, window)| window.clone())
        .collect()
}

fn first_cause(view: &SignalView<'_>, peak_to_peak: Option<f64>) -> Option<(usize, Cause)> {
    (0..view.channels()).find_map(|channel| {
        let samples = view.channel(channel);
        let (mut low, mut high, mut finite) = (f64::INFINITY, f64::NEG_INFINITY, true);
        for &x in samples {
            low = low.min(x);
            high = high.max(x);
            finite &= x.is_finite();
        }
        let cause = if !finite {
            Cause::NotFinite
        } else if low == high {
            Cause::Flat
        } else if peak_to_peak.is_some_and(|limit| high - low > limit) {
            Cause::PeakToPeak(high - low)
        } else {
            return None;
        };
        Some((channel, cause))
    })
}

impl Epochs {
    /// Wraps `data`: epoch after epoch, channel after channel, `samples` values each.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] when the length is no multiple of channels x samples, [`Error::Empty`] when either
    /// is 0, [`Error::InvalidParameter`] for a rate that is not positive and finite.
    pub fn new(names: Vec<String>, sampling_rate: f64, samples: usize, data: Vec<f64>) -> Result<Self> {
        if !(sampling_rate > 0.0 && sampling_rate.is_finite()) {
            return Err(Error::InvalidParameter {
                name: "sampling_rate",
                value: sampling_rate,
                reason: "must be positive and finite",
            });
        }
        let Some(block) = names.len().checked_mul(samples).filter(|&block| block > 0) else {
            return Err(Error::Empty { what: "epoch" });
        };
        if !data.len().is_multiple_of(block) {
            return Err(Error::DimensionMismatch {
                what: "length of the samples modulo channels times samples",
                expected: 0,
                found: data.len() % block,
            });
        }
        Ok(Self {
            names,
            sampling_rate,
            samples,
            data,
        })
    }

    /// Copies windows of one length out of a signal.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for windows of different lengths, [`Error::OutOfRange`] for one outside the signal,
    /// [`Error::Empty`] without windows.
    pub fn cut(signal: &Signal, windows: &[Window]) -> Result<Self> {
        let samples = windows
            .first()
            .ok_or(Error::Empty {
                what: "list of windows",
            })?
            .samples;
        let mut data = Vec::with_capacity(windows.len() * signal.channels() * samples);
        for window in windows {
            if window.samples != samples {
                return Err(Error::DimensionMismatch {
                    what: "samples of a window",
                    expected: samples,
                    found: window.samples,
                });
            }
            let view = signal.window(window.start..window.start.saturating_add(samples))?;
            for channel in 0..view.channels() {
                data.extend_from_slice(view.channel(channel));
            }
        }
        Self::new(signal.names().to_vec(), signal.sampling_rate(), samples, data)
    }

    /// Channel names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Samples per second.
    pub fn sampling_rate(&self) -> f64 {
        self.sampling_rate
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.names.len()
    }

    /// Samples of each channel of an epoch.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Number of epochs.
    pub fn len(&self) -> usize {
        self.data.len() / (self.names.len() * self.samples)
    }

    /// Whether there is no epoch.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// All samples: epoch after epoch, channel after channel.
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// Epoch `index`, borrowed. Panics when `index >= len()`, as slices do.
    pub fn epoch(&self, index: usize) -> SignalView<'_> {
        let block = self.names.len() * self.samples;
        SignalView::new(
            &self.data[index * block..(index + 1) * block],
            self.names.len(),
            self.samples,
        )
        .expect("a block is channels x samples")
    }

    /// The epochs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = SignalView<'_>> {
        (0..self.len()).map(|index| self.epoch(index))
    }
}
