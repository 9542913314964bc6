//! Cohorts: recordings of people, each a set of covariance matrices for every frequency band.

use hadamard_geometry::SpdBatch;

use crate::error::{Error, Result};

/// One recording: the covariances of its windows, band by band.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Name for tables and messages.
    pub id: String,
    /// Number of the person, for splits that keep a person together.
    pub person: usize,
    /// Covariances of the windows, one batch a band; all bands have as many windows.
    pub bands: Vec<SpdBatch>,
}

/// Recordings with the same channels and the same bands.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    recordings: Vec<Recording>,
    bands: Vec<String>,
    channels: Vec<String>,
}

impl Cohort {
    /// Recordings that all have covariances of the named channels in the named bands.
    ///
    /// # Errors
    /// [`Error::Empty`] without recordings or bands; [`Error::Recording`] naming the recording that has no window, or
    /// another number of bands or channels, or a different number of windows in two bands.
    pub fn try_new(recordings: Vec<Recording>, bands: Vec<String>, channels: Vec<String>) -> Result<Self> {
        if recordings.is_empty() {
            return Err(Error::Empty { what: "cohort" });
        }
        if bands.is_empty() {
            return Err(Error::Empty { what: "list of bands" });
        }
        for recording in &recordings {
            let refuse = |cause: String| Error::Recording {
                id: recording.id.clone(),
                cause,
            };
            if recording.bands.len() != bands.len() {
                return Err(refuse(format!(
                    "{} bands, expected {}",
                    recording.bands.len(),
                    bands.len()
                )));
            }
            let windows = recording.bands[0].len();
            if windows == 0 {
                return Err(refuse("no window".into()));
            }
            for batch in &recording.bands {
                if batch.order() != channels.len() {
                    return Err(refuse(format!(
                        "{} channels, expected {}",
                        batch.order(),
                        channels.len()
                    )));
                }
                if batch.len() != windows {
                    return Err(refuse(format!(
                        "{} windows in one band, {windows} in another",
                        batch.len()
                    )));
                }
            }
        }
        Ok(Self {
            recordings,
            bands,
            channels,
        })
    }

    /// The recordings.
    pub fn recordings(&self) -> &[Recording] {
        &self.recordings
    }

    /// Names of the bands.
    pub fn bands(&self) -> &[String] {
        &self.bands
    }

    /// Names of the channels.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// Number of recordings.
    pub fn len(&self) -> usize {
        self.recordings.len()
    }

    /// Never: a cohort has a recording.
    pub fn is_empty(&self) -> bool {
        self.recordings.is_empty()
    }

    /// Number of the person of every recording.
    pub fn persons(&self) -> Vec<usize> {
        self.recordings.iter().map(|recording| recording.person).collect()
    }

    /// Covariances of all recordings together.
    pub fn windows(&self) -> usize {
        self.recordings.iter().map(|recording| recording.bands[0].len()).sum()
    }

    /// The recordings at `rows`, in that order. Panics when a row is out of range, as slices do.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            recordings: rows.iter().map(|&row| self.recordings[row].clone()).collect(),
            bands: self.bands.clone(),
            channels: self.channels.clone(),
        }
    }
}
