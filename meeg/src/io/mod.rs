//! Reading recordings: EDF, EDF+, BDF, BDF+ as [`Recording`]s, NumPy files as [`Arrays`].
//!
//! [`open`] looks at the first bytes and reads the header alone. Samples are read when they are asked for, and only
//! the channels and the range that are asked for:
//!
//! ```no_run
//! use hadamard_meeg::io;
//!
//! let recording = io::open("sub-01_task-rest_eeg.edf")?;
//! let signal = recording.read(&recording.scalp_channels(), ..)?; // volts, channels x time
//! # Ok::<(), hadamard_meeg::Error>(())
//! ```
//!
//! A new format is one file with a [`Source`] and one line in [`READERS`].

use std::fs::File;
use std::io::Read;
use std::ops::{Bound, Range, RangeBounds};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

mod annotation;
pub mod bdf;
pub mod channel;
pub mod edf;
mod edf_header;
pub mod npy;
mod signal;

pub use annotation::Annotation;
pub use channel::Channel;
pub use npy::Arrays;
pub use signal::{Signal, SignalView};

/// Where the samples of an opened recording come from.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// Writes samples `range` of the given channels, times [`Channel::to_si`], to `out`, channel after channel.
    ///
    /// The caller has checked that the channels exist, share their sampling rate and hold the range, and that `out`
    /// has `channels.len() * range.len()` places.
    ///
    /// # Errors
    /// [`Error::Io`], or what else keeps the samples from being read.
    fn read(&self, channels: &[usize], range: Range<usize>, out: &mut [f64]) -> Result<()>;
}

/// A format: how to recognise a file and how to open it.
pub struct Reader {
    /// Name of the format.
    pub name: &'static str,
    /// Extension of its files, lower case.
    pub extension: &'static str,
    /// Whether the first bytes of a file (up to 256) are of this format.
    pub recognises: fn(&[u8]) -> bool,
    /// Opens a file of this format.
    pub open: fn(&Path) -> Result<Recording>,
}

/// The formats that [`open`] knows.
pub static READERS: &[Reader] = &[edf::READER, bdf::READER];

/// An interruption of a discontinuous recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// First sample after the interruption (of the channels with the highest sampling rate).
    pub sample: usize,
    /// Length in seconds; negative where the records overlap.
    pub seconds: f64,
}

/// Something that was tolerated while reading.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Fewer whole records in the file than its header declares.
    TruncatedData {
        /// Records declared.
        declared: u64,
        /// Whole records present.
        present: u64,
        /// Bytes after the last whole record.
        leftover_bytes: u64,
    },
    /// Bytes after the last declared record.
    TrailingBytes {
        /// How many.
        bytes: u64,
    },
    /// An annotation that does not follow the format was skipped, or kept with length 0 where only its length does not.
    BadAnnotation {
        /// Data record.
        record: u64,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TruncatedData {
                declared,
                present,
                leftover_bytes,
            } => write!(
                f,
                "{declared} records declared, {present} whole records present, {leftover_bytes} bytes left over"
            ),
            Self::TrailingBytes { bytes } => write!(f, "{bytes} bytes after the last declared record"),
            Self::BadAnnotation { record } => write!(f, "malformed annotation in record {record}"),
        }
    }
}

/// An opened recording: its header, annotations and warnings; the samples stay in the file until [`Self::read`].
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    format: &'static str,
    channels: Vec<Channel>,
    annotations: Vec<Annotation>,
    gaps: Vec<Gap>,
    warnings: Vec<Warning>,
    source: Box<dyn Source>,
}

/// Opens a recording by its first bytes; its extension decides only when these tell nothing.
///
/// Reads the header and, where the format has them, the annotations; no samples.
///
/// # Errors
/// [`Error::Io`], [`Error::UnknownFormat`], and what the format's reader says of a damaged header.
pub fn open(path: impl AsRef<Path>) -> Result<Recording> {
    let path = path.as_ref();
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    if path.is_dir() {
        return Err(io(std::io::Error::new(
            std::io::ErrorKind::IsADirectory,
            "is a directory, expected a recording",
        )));
    }
    let mut head = Vec::with_capacity(256);
    File::open(path)
        .map_err(io)?
        .take(256)
        .read_to_end(&mut head)
        .map_err(io)?;
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    READERS
        .iter()
        .find(|reader| (reader.recognises)(&head))
        .or_else(|| {
            READERS
                .iter()
                .find(|reader| extension.as_deref() == Some(reader.extension))
        })
        .map(|reader| (reader.open)(path))
        .unwrap_or_else(|| {
            Err(Error::UnknownFormat {
                path: path.to_path_buf(),
                known: READERS.iter().map(|reader| reader.name).collect::<Vec<_>>().join(", "),
            })
        })
}

/// The recordings of a directory (not of its subdirectories), sorted by name.
///
/// # Errors
/// [`Error::Io`]; [`Error::NoRecordings`] when there is none.
pub fn find_recordings(directory: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
    let directory = directory.as_ref();
    let io = |source| Error::Io {
        path: directory.to_path_buf(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        if path.is_file()
            && READERS
                .iter()
                .any(|reader| extension.as_deref() == Some(reader.extension))
        {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Error::NoRecordings {
            path: directory.to_path_buf(),
            looked_for: READERS
                .iter()
                .map(|reader| format!(".{}", reader.extension))
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    Ok(found)
}

/// Checks that `found` (of `second`) has the channels `expected` (of `first`), in the same order.
///
/// # Errors
/// [`Error::ChannelMismatch`] with the first difference.
pub fn check_same_channels(first: &Path, expected: &[String], second: &Path, found: &[String]) -> Result<()> {
    let mismatch = |detail| {
        Err(Error::ChannelMismatch {
            first: first.to_path_buf(),
            second: second.to_path_buf(),
            detail,
        })
    };
    if let Some(missing) = expected
        .iter()
        .find(|name| !found.iter().any(|other| channel::same(name, other)))
    {
        return mismatch(format!("{missing:?} is missing"));
    }
    if let Some(extra) = found
        .iter()
        .find(|name| !expected.iter().any(|other| channel::same(name, other)))
    {
        return mismatch(format!("{extra:?} is extra"));
    }
    for (position, (a, b)) in expected.iter().zip(found).enumerate() {
        if !channel::same(a, b) {
            return mismatch(format!("channel {position} is {b:?}, expected {a:?}"));
        }
    }
    Ok(())
}

impl Recording {
    /// Puts an opened recording together; for readers of further formats.
    pub fn new(path: &Path, format: &'static str, channels: Vec<Channel>, source: Box<dyn Source>) -> Self {
        Self {
            path: path.to_path_buf(),
            format,
            channels,
            annotations: Vec::new(),
            gaps: Vec::new(),
            warnings: Vec::new(),
            source,
        }
    }

    /// The same recording with annotations, interruptions and warnings; for readers of further formats.
    pub fn with_report(mut self, annotations: Vec<Annotation>, gaps: Vec<Gap>, warnings: Vec<Warning>) -> Self {
        self.annotations = annotations;
        self.gaps = gaps;
        self.warnings = warnings;
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of the format, for example `EDF+C`.
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// The channels that carry samples (annotation channels are not among them).
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Annotations sorted by onset; onsets in seconds from the first sample.
    pub fn annotations(&self) -> &[Annotation] {
        &self.annotations
    }

    /// Interruptions of a discontinuous recording; empty for a continuous one.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// What was tolerated while reading.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Number of samples of the channels with the highest sampling rate.
    pub fn samples(&self) -> usize {
        self.channels.iter().map(|channel| channel.samples).max().unwrap_or(0)
    }

    /// Highest sampling rate in Hz.
    pub fn sampling_rate(&self) -> f64 {
        self.channels
            .iter()
            .map(|channel| channel.sampling_rate)
            .fold(0.0, f64::max)
    }

    /// Seconds of data, interruptions not counted.
    pub fn duration(&self) -> f64 {
        self.channels
            .iter()
            .map(|channel| channel.samples as f64 / channel.sampling_rate)
            .fold(0.0, f64::max)
    }

    /// Continuous stretches, in samples of the channels with the highest sampling rate.
    pub fn segments(&self) -> Vec<Range<usize>> {
        let mut starts: Vec<usize> = std::iter::once(0)
            .chain(self.gaps.iter().map(|gap| gap.sample))
            .collect();
        starts.push(self.samples());
        starts
            .windows(2)
            .map(|pair| pair[0]..pair[1])
            .filter(|range| !range.is_empty())
            .collect()
    }

    /// Positions of the named channels, matched as [`channel::find`] does.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`], [`Error::DuplicateChannel`].
    pub fn pick(&self, names: &[impl AsRef<str>]) -> Result<Vec<usize>> {
        let labels: Vec<&str> = self.channels.iter().map(|channel| channel.label.as_str()).collect();
        channel::find(&labels, names, &self.context())
    }

    /// Positions of the scalp EEG channels.
    ///
    /// Those in volts with the highest sampling rate and a name of the extended 10-20 system; when no name is of that
    /// system (BioSemi's A1 ... D32), all channels in volts with the highest sampling rate whose name does not say that
    /// they are something else ([`channel::is_other`]).
    pub fn scalp_channels(&self) -> Vec<usize> {
        let rate = self.sampling_rate();
        let voltages: Vec<usize> = (0..self.channels.len())
            .filter(|&i| self.channels[i].is_voltage() && self.channels[i].sampling_rate == rate)
            .collect();
        let scalp: Vec<usize> = voltages
            .iter()
            .copied()
            .filter(|&i| channel::is_scalp(&self.channels[i].label))
            .collect();
        if !scalp.is_empty() {
            return scalp;
        }
        voltages
            .into_iter()
            .filter(|&i| !channel::is_other(&self.channels[i].label))
            .collect()
    }

    /// Reads samples `range` of the given channels: voltages in volts, magnetic fields in teslas (gradients in T/m), others
    /// in the unit of the file ([`Channel::to_si`]). Opens the file anew; no other sample is kept.
    ///
    /// # Errors
    /// [`Error::Empty`] without channels, [`Error::UnknownChannel`] for a position outside the list,
    /// [`Error::MixedRates`], [`Error::OutOfRange`], [`Error::Discontinuous`] when the range spans an interruption,
    /// [`Error::Io`].
    pub fn read(&self, channels: &[usize], range: impl RangeBounds<usize>) -> Result<Signal> {
        for &index in channels {
            if index >= self.channels.len() {
                return Err(Error::UnknownChannel {
                    context: self.context(),
                    channel: format!("number {index}"),
                    known: format!("{} channels", self.channels.len()),
                });
            }
        }
        let Some(&lead) = channels.first() else {
            return Err(Error::Empty {
                what: "list of channels to read",
            });
        };
        let lead = &self.channels[lead];
        for &index in channels {
            let other = &self.channels[index];
            if other.sampling_rate != lead.sampling_rate {
                return Err(Error::MixedRates {
                    context: self.context(),
                    first: lead.label.clone(),
                    first_rate: lead.sampling_rate,
                    second: other.label.clone(),
                    second_rate: other.sampling_rate,
                });
            }
        }
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => end.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => lead.samples,
        };
        if start > end || end > lead.samples {
            return Err(Error::OutOfRange {
                context: self.context(),
                start,
                end,
                samples: lead.samples,
            });
        }
        let scale = lead.sampling_rate / self.sampling_rate();
        let mut skipped = 0.0;
        for gap in &self.gaps {
            let sample = (gap.sample as f64 * scale).round() as usize;
            if start < sample && sample < end {
                return Err(Error::Discontinuous {
                    context: self.context(),
                    sample,
                    seconds: gap.seconds,
                });
            }
            if sample <= start {
                skipped += gap.seconds;
            }
        }
        let mut data = vec![0.0; channels.len() * (end - start)];
        self.source.read(channels, start..end, &mut data)?;
        let names = channels
            .iter()
            .map(|&index| self.channels[index].name.clone())
            .collect();
        Ok(Signal::new(names, lead.sampling_rate, data)?.with_start(start as f64 / lead.sampling_rate + skipped))
    }

    /// The path as text, for error messages.
    pub(crate) fn context(&self) -> String {
        self.path.display().to_string()
    }
}
