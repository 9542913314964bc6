//! The error type of this crate.

use std::path::PathBuf;

/// Why an input was refused or a computation ended without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder was refused; the cause is one line.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// An input that must not be empty is empty.
    #[error("{what} is empty")]
    Empty {
        /// Which input.
        what: &'static str,
    },
    /// Two inputs that must share a size do not.
    #[error("{what}: expected {expected}, found {found}")]
    DimensionMismatch {
        /// Which input.
        what: &'static str,
        /// Expected size.
        expected: usize,
        /// Size found.
        found: usize,
    },
    /// An entry is NaN or infinite.
    #[error("{what}: entry {index} is {value}")]
    NonFinite {
        /// Which input.
        what: &'static str,
        /// Position of the entry.
        index: usize,
        /// The entry.
        value: f64,
    },
    /// A parameter is outside its domain.
    #[error("parameter {name} = {value} is invalid: {reason}")]
    InvalidParameter {
        /// Name of the parameter.
        name: &'static str,
        /// Value found.
        value: f64,
        /// Why it is refused.
        reason: &'static str,
    },
    /// A split of the data into training and test parts cannot be made.
    #[error("cannot split {count} {what} into {folds} folds")]
    TooFew {
        /// What is split: recordings, persons.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many parts were asked for.
        folds: usize,
    },
    /// A recording does not fit the others, or cannot be used.
    #[error("{id}: {cause}")]
    Recording {
        /// Name of the recording.
        id: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The operating system refused a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A directory holds no file in a readable recording format.
    #[error("{}: no recordings in this directory (looked for {looked_for})", path.display())]
    NoRecordings {
        /// The directory.
        path: PathBuf,
        /// Extensions looked for.
        looked_for: String,
    },
    /// Neither the first bytes nor the extension belong to a format that is read here.
    #[error("{}: not a recording in a known format ({known})", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Formats that are read.
        known: String,
    },
    /// The file ends inside its header.
    #[error("{}: truncated header: {expected} bytes declared, {found} present", path.display())]
    TruncatedHeader {
        /// The file.
        path: PathBuf,
        /// Bytes the header needs.
        expected: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// A header field holds something that makes no sense.
    #[error("{}: header field {field} is {value:?}: {reason}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Which field (and of which channel).
        field: String,
        /// The text found.
        value: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// The file has a header and not one whole data record.
    #[error("{}: no whole data record: {found} bytes of data, one record needs {expected}", path.display())]
    NoData {
        /// The file.
        path: PathBuf,
        /// Bytes of one record.
        expected: u64,
        /// Bytes after the header.
        found: u64,
    },
    /// Every line feed is preceded by a carriage return and the length does not fit: a text-mode copy.
    #[error(
        "{}: file was damaged by text-mode transfer: {line_feeds} line feeds became CR LF (fetch it again in binary mode)",
        path.display()
    )]
    TextModeTransfer {
        /// The file.
        path: PathBuf,
        /// CR LF pairs in the file.
        line_feeds: u64,
    },
    /// A file of arrays does not hold what was asked for.
    #[error("{}: array {name:?}: {reason}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// Name of the array.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No channel of that name.
    #[error("{context}: no channel {channel:?} (has {known})")]
    UnknownChannel {
        /// Recording or signal.
        context: String,
        /// Name looked for.
        channel: String,
        /// Names present.
        known: String,
    },
    /// Two channels have the same name once decoration is stripped.
    #[error("{context}: channel {channel:?} occurs twice")]
    DuplicateChannel {
        /// Recording or signal.
        context: String,
        /// The name.
        channel: String,
    },
    /// Two recordings that must share their channels do not.
    #[error("{}: channels differ from those of {}: {detail}", second.display(), first.display())]
    ChannelMismatch {
        /// Recording that set the expectation.
        first: PathBuf,
        /// Recording that differs.
        second: PathBuf,
        /// First difference.
        detail: String,
    },
    /// Channels with different sampling rates were asked for in one array.
    #[error(
        "{context}: channels {first:?} ({first_rate} Hz) and {second:?} ({second_rate} Hz) differ in sampling rate"
    )]
    MixedRates {
        /// Recording.
        context: String,
        /// A channel.
        first: String,
        /// Its sampling rate in Hz.
        first_rate: f64,
        /// Another channel.
        second: String,
        /// Its sampling rate in Hz.
        second_rate: f64,
    },
    /// Samples outside the recording were asked for.
    #[error("{context}: samples {start}..{end} asked for, the recording has {samples}")]
    OutOfRange {
        /// Recording or signal.
        context: String,
        /// First sample asked for.
        start: usize,
        /// One past the last sample asked for.
        end: usize,
        /// Samples present.
        samples: usize,
    },
    /// The samples asked for span an interruption of the recording.
    #[error("{context}: recording is interrupted for {seconds} s at sample {sample}: read its segments one by one")]
    Discontinuous {
        /// Recording.
        context: String,
        /// First sample after the interruption.
        sample: usize,
        /// Its length in seconds.
        seconds: f64,
    },
    /// A sample is NaN or infinite.
    #[error("{context}: channel {channel:?} has the value {value} at sample {sample}")]
    BadSample {
        /// Recording, window or matrix.
        context: String,
        /// The channel.
        channel: String,
        /// The sample.
        sample: usize,
        /// The value.
        value: f64,
    },
    /// A channel never changes.
    #[error("{context}: channel {channel:?} is flat")]
    FlatChannel {
        /// Recording or window.
        context: String,
        /// The channel.
        channel: String,
    },
    /// Fewer samples than a step needs.
    #[error("{context}: {samples} samples, at least {needed} needed for {purpose}")]
    TooFewSamples {
        /// Recording, window or matrix.
        context: String,
        /// Samples present.
        samples: usize,
        /// Samples needed.
        needed: usize,
        /// For what.
        purpose: &'static str,
    },
    /// A covariance matrix has not full rank.
    #[error(
        "{context}: covariance has rank {rank} of {order} (relative eigenvalue threshold {threshold:e}): \
         regularise it or reduce to a common subspace"
    )]
    RankDeficient {
        /// Recording, band, window.
        context: String,
        /// Numerical rank.
        rank: usize,
        /// Order of the matrix.
        order: usize,
        /// Eigenvalues below this times the largest count as zero.
        threshold: f64,
    },
    /// An iteration ended without reaching its tolerance.
    #[error("{what} did not converge in {iterations} iterations: change {change:e}, tolerance {tolerance:e}")]
    NoConvergence {
        /// Which iteration.
        what: &'static str,
        /// Iterations made.
        iterations: usize,
        /// Relative change of the last one.
        change: f64,
        /// Relative change asked for.
        tolerance: f64,
    },
    /// A text does not say what it should.
    #[error("{what} {value:?}: {reason}")]
    BadText {
        /// What the text stands for.
        what: &'static str,
        /// The text.
        value: String,
        /// Why it is refused.
        reason: String,
    },
    /// An error that does not say where it arose, and where that was.
    #[error("{context}: {source}")]
    Within {
        /// Recording, band, window.
        context: String,
        /// What went wrong there.
        source: Box<Error>,
    },
    /// The geometry of SPD matrices refused the input.
    #[error(transparent)]
    Geometry(#[from] hadamard_geometry::Error),
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Errs at the first entry that is not finite.
pub(crate) fn finite(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NonFinite {
            what,
            index,
            value: values[index],
        }),
    }
}

impl Error {
    /// The same error with `outer` put before what it says about where; errors that name a file stay as they are, those
    /// that say nothing about where become the source of [`Error::Within`].
    pub(crate) fn within(mut self, outer: &str) -> Self {
        match &mut self {
            Self::UnknownChannel { context, .. }
            | Self::DuplicateChannel { context, .. }
            | Self::MixedRates { context, .. }
            | Self::OutOfRange { context, .. }
            | Self::Discontinuous { context, .. }
            | Self::BadSample { context, .. }
            | Self::FlatChannel { context, .. }
            | Self::TooFewSamples { context, .. }
            | Self::RankDeficient { context, .. }
            | Self::Within { context, .. } => {
                if !context.starts_with(outer) {
                    *context = format!("{outer}, {context}");
                }
                self
            }
            Self::Empty { .. }
            | Self::DimensionMismatch { .. }
            | Self::NonFinite { .. }
            | Self::InvalidParameter { .. }
            | Self::NoConvergence { .. }
            | Self::BadText { .. }
            | Self::Geometry(_) => Self::Within {
                context: outer.into(),
                source: Box::new(self),
            },
            _ => self,
        }
    }
}
