//! The error type of this crate.

use std::path::PathBuf;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file name ends neither in `.svg` nor in `.png`.
    #[error("{}: a picture is written as .svg or .png", path.display())]
    UnknownFormat {
        /// The file asked for.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing to draw.
    #[error("nothing to draw: {what}")]
    Empty {
        /// Which input.
        what: &'static str,
    },
    /// Inputs do not fit together or cannot be drawn in this picture.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// Which input.
        what: &'static str,
        /// What would have fitted.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A computation that the picture shows failed.
    #[error(transparent)]
    Geometry(#[from] hadamard_geometry::Error),
    /// The drawing back end failed.
    #[error("drawing failed: {0}")]
    Backend(String),
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
