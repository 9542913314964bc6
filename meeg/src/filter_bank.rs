//! From a recording to one covariance, or one set of window covariances, for each frequency band.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use hadamard_geometry::SymBatch;
use rayon::prelude::*;

use crate::covariance::Estimator;
use crate::epochs::{self, Rejection, Window};
use crate::error::{Error, Result};
use crate::filter::{self, Sos};
use crate::io::{self, Signal, Warning};

/// A named frequency band.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Name for tables.
    pub name: String,
    /// Lower edge in Hz.
    pub low: f64,
    /// Upper edge in Hz.
    pub high: f64,
}

/// Frequency bands with the filter and the covariance estimator for all of them.
///
/// The filter is a zero-phase Butterworth band-pass ([`Sos::band_pass`]) on the continuous signal; windows are cut
/// afterwards, so that none has the filter's transient.
///
/// ```
/// use hadamard_meeg::FilterBank;
///
/// let bank: FilterBank = "alpha:8-13,beta:13-30".parse()?;
/// assert_eq!(bank.bands[1].high, 30.0);
/// assert_eq!(FilterBank::default().bands[0].name, "theta");
/// # Ok::<(), hadamard_meeg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FilterBank {
    /// The bands.
    pub bands: Vec<Band>,
    /// Order N of the Butterworth prototype (2 N poles, applied twice).
    pub order: usize,
    /// Covariance estimator.
    pub estimator: Estimator,
}

/// Which channels of a recording are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Picks {
    /// [`io::Recording::scalp_channels`].
    #[default]
    Scalp,
    /// The named ones, in this order.
    Named(Vec<String>),
}

/// What is done to a recording before the bands are filtered.
#[derive(Debug, Clone, PartialEq)]
pub struct Preparation {
    /// Channels to use.
    pub picks: Picks,
    /// Mains frequency in Hz for a notch of quality 30.
    pub notch: Option<f64>,
    /// Keep every n-th sample after an anti-aliasing filter.
    pub decimation: usize,
    /// Subtract the mean over channels; costs one rank.
    pub average_reference: bool,
}

/// How a recording is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cutting {
    /// Length of a window in seconds.
    pub seconds: f64,
    /// Overlap of neighbours in seconds.
    pub overlap: f64,
    /// Largest minus smallest sample that a channel may have in a window before filtering, in volts.
    pub peak_to_peak: Option<f64>,
}

/// Where the time of a recording went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Opening and reading.
    pub read: Duration,
    /// Notch, decimation, reference and band-pass filters.
    pub filter: Duration,
    /// Covariances.
    pub covariance: Duration,
}

/// The covariances of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct BandCovariances {
    /// The file.
    pub path: PathBuf,
    /// Channel names.
    pub channels: Vec<String>,
    /// For each band the covariances, in the square of the channels' unit (V²): of the windows, or a single one of the
    /// whole recording.
    pub bands: Vec<SymBatch>,
    /// Windows behind the covariances.
    pub windows: Vec<Window>,
    /// Windows that were left out, by their number before.
    pub rejected: Vec<Rejection>,
    /// What the reader tolerated.
    pub warnings: Vec<Warning>,
    /// Time spent.
    pub times: Times,
}

impl Band {
    /// A band from `low` to `high` Hz.
    pub fn new(name: impl Into<String>, low: f64, high: f64) -> Self {
        Self {
            name: name.into(),
            low,
            high,
        }
    }
}

/// `name:low-high` in Hz, for example `alpha:8-13`.
impl FromStr for Band {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |reason: &str| Error::BadText {
            what: "band",
            value: text.into(),
            reason: reason.into(),
        };
        let (name, edges) = text.split_once(':').ok_or_else(|| refuse("expected name:low-high"))?;
        let (low, high) = edges.split_once('-').ok_or_else(|| refuse("expected name:low-high"))?;
        let edge = |text: &str| {
            text.trim()
                .parse::<f64>()
                .map_err(|_| refuse("an edge is no number of Hz"))
        };
        let (low, high) = (edge(low)?, edge(high)?);
        if name.trim().is_empty() {
            return Err(refuse("the name is empty"));
        }
        if !(low > 0.0 && low < high && high.is_finite()) {
            return Err(refuse("expected 0 < low < high"));
        }
        Ok(Self::new(name.trim(), low, high))
    }
}

/// Bands separated by commas, order 4, unbiased covariance.
impl FromStr for FilterBank {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bands: Vec<Band> = text.split(',').map(str::parse).collect::<Result<_>>()?;
        if let Some(band) = bands
            .iter()
            .enumerate()
            .find_map(|(i, band)| bands[..i].iter().any(|other| other.name == band.name).then_some(band))
        {
            return Err(Error::BadText {
                what: "list of bands",
                value: text.into(),
                reason: format!("the name {:?} occurs twice", band.name),
            });
        }
        Ok(Self::new(bands))
    }
}

/// Theta 4-8, alpha 8-13, beta 13-30 Hz.
impl Default for FilterBank {
    fn default() -> Self {
        Self::new(vec![
            Band::new("theta", 4.0, 8.0),
            Band::new("alpha", 8.0, 13.0),
            Band::new("beta", 13.0, 30.0),
        ])
    }
}

impl Default for Preparation {
    fn default() -> Self {
        Self {
            picks: Picks::Scalp,
            notch: None,
            decimation: 1,
            average_reference: false,
        }
    }
}

impl FilterBank {
    /// The given bands with order 4 and the unbiased covariance.
    pub fn new(bands: Vec<Band>) -> Self {
        Self {
            bands,
            order: 4,
            estimator: Estimator::Unbiased,
        }
    }

    /// The seven bands of the brain-age benchmark of Engemann et al., NeuroImage 262, 2022.
    pub fn brain_age_benchmark() -> Self {
        Self::new(vec![
            Band::new("low", 0.1, 1.0),
            Band::new("delta", 1.0, 4.0),
            Band::new("theta", 4.0, 8.0),
            Band::new("alpha", 8.0, 15.0),
            Band::new("beta_low", 15.0, 26.0),
            Band::new("beta_mid", 26.0, 35.0),
            Band::new("beta_high", 35.0, 49.0),
        ])
    }

    /// The signal in one band.
    ///
    /// # Errors
    /// As [`Sos::band_pass`] and [`Sos::filter_zero_phase`].
    pub fn filter(&self, signal: &Signal, band: &Band) -> Result<Signal> {
        Sos::band_pass(self.order, band.low, band.high, signal.sampling_rate())?.filter_zero_phase(signal)
    }

    /// One covariance of the whole signal for each band, in the order of the bands.
    ///
    /// # Errors
    /// As [`Self::filter`] and [`Estimator::estimate`], with the band and window named ([`Error::Within`] where the error
    /// itself has no room for them); [`Error::TooFewSamples`] for fewer samples than channels.
    pub fn covariances(&self, signal: &Signal) -> Result<SymBatch> {
        let bands = self.window_covariances(signal, &[Window::whole(signal)])?;
        let data = bands.iter().flat_map(SymBatch::as_slice).copied().collect();
        Ok(SymBatch::try_from_vec(signal.channels(), data)?)
    }

    /// The covariances of the windows for each band.
    ///
    /// # Errors
    /// As [`Self::covariances`]; [`Error::OutOfRange`] for a window outside the signal.
    pub fn window_covariances(&self, signal: &Signal, windows: &[Window]) -> Result<Vec<SymBatch>> {
        self.timed(signal, windows, &mut Times::default())
    }

    /// Reads, prepares, filters and cuts one recording.
    ///
    /// Without `cutting` there is one covariance of the whole recording for each band.
    ///
    /// # Errors
    /// One line that names the file and the cause: what [`io::open`] and [`io::Recording::read`] say,
    /// [`Error::BadSample`], [`Error::FlatChannel`], [`Error::TooFewSamples`] for fewer samples than channels or no
    /// usable window; as source of [`Error::Within`] the [`Error::InvalidParameter`] of a filter or of the cutting and the
    /// [`Error::NonFinite`] and [`Error::NoConvergence`] of [`Estimator::estimate`].
    pub fn recording(
        &self,
        path: impl AsRef<Path>,
        preparation: &Preparation,
        cutting: Option<Cutting>,
    ) -> Result<BandCovariances> {
        let path = path.as_ref();
        self.recording_inner(path, preparation, cutting)
            .map_err(|error| error.within(&path.display().to_string()))
    }

    /// [`Self::recording`] for many files that must have the same channels. Threads over files, results in order.
    ///
    /// # Errors
    /// As [`Self::recording`], of the first file that fails; [`Error::ChannelMismatch`].
    pub fn recordings(
        &self,
        paths: &[impl AsRef<Path> + Sync],
        preparation: &Preparation,
        cutting: Option<Cutting>,
    ) -> Result<Vec<BandCovariances>> {
        let all: Vec<Result<BandCovariances>> = paths
            .par_iter()
            .map(|path| self.recording(path, preparation, cutting))
            .collect();
        let all: Vec<BandCovariances> = all.into_iter().collect::<Result<_>>()?;
        if let Some((first, rest)) = all.split_first() {
            for other in rest {
                io::check_same_channels(&first.path, &first.channels, &other.path, &other.channels)?;
            }
        }
        Ok(all)
    }

    fn recording_inner(
        &self,
        path: &Path,
        preparation: &Preparation,
        cutting: Option<Cutting>,
    ) -> Result<BandCovariances> {
        let mut times = Times::default();
        let clock = Instant::now();
        let recording = io::open(path)?;
        let picks = match &preparation.picks {
            Picks::Scalp => recording.scalp_channels(),
            Picks::Named(names) => recording.pick(names)?,
        };
        if picks.is_empty() {
            return Err(Error::File {
                path: path.to_path_buf(),
                cause: "no scalp EEG channel in volts (name the channels to use any other)".into(),
            });
        }
        let mut signal = recording.read(&picks, ..)?;
        times.read = clock.elapsed();
        signal.check_finite("recording")?;
        signal.check_not_flat("recording")?;
        let clock = Instant::now();
        if let Some(frequency) = preparation.notch {
            Sos::notch(frequency, NOTCH_QUALITY, signal.sampling_rate())?.filter_zero_phase_in_place(&mut signal)?;
        }
        if preparation.decimation != 1 {
            signal = filter::decimate(&signal, preparation.decimation)?;
        }
        if preparation.average_reference {
            filter::average_reference(&mut signal);
        }
        times.filter = clock.elapsed();
        let (windows, rejected) = match cutting {
            None => (vec![Window::whole(&signal)], Vec::new()),
            Some(cutting) => {
                let all = epochs::fixed_length(&signal, cutting.seconds, cutting.overlap)?;
                let rejected = epochs::unusable(&signal, &all, cutting.peak_to_peak)?;
                (epochs::keep(&all, &rejected), rejected)
            }
        };
        if windows.is_empty() {
            return Err(Error::TooFewSamples {
                context: "recording".into(),
                samples: 0,
                needed: 1,
                purpose: "a covariance: every window was rejected",
            });
        }
        let bands = self.timed(&signal, &windows, &mut times)?;
        Ok(BandCovariances {
            path: path.to_path_buf(),
            channels: signal.names().to_vec(),
            bands,
            windows,
            rejected,
            warnings: recording.warnings().to_vec(),
            times,
        })
    }

    fn timed(&self, signal: &Signal, windows: &[Window], times: &mut Times) -> Result<Vec<SymBatch>> {
        for window in windows {
            if window.samples < signal.channels() {
                return Err(Error::TooFewSamples {
                    context: "window".into(),
                    samples: window.samples,
                    needed: signal.channels(),
                    purpose: "a covariance of this many channels",
                });
            }
        }
        let mut bands = Vec::with_capacity(self.bands.len());
        for band in &self.bands {
            let clock = Instant::now();
            let filtered = self
                .filter(signal, band)
                .map_err(|error| error.within(&format!("band {}", band.name)))?;
            times.filter += clock.elapsed();
            let clock = Instant::now();
            let views: Vec<_> = windows
                .iter()
                .map(|window| filtered.window(window.start..window.start.saturating_add(window.samples)))
                .collect::<Result<_>>()?;
            let estimates = self.estimator.estimate_all(&views);
            bands.push(estimates.map_err(|error| error.within(&format!("band {}", band.name)))?);
            times.covariance += clock.elapsed();
        }
        Ok(bands)
    }
}

/// Width of the notch: frequency/30, the usual choice for mains.
const NOTCH_QUALITY: f64 = 30.0;
