//! Cohorts: recordings of people as sets of covariance matrices, one set a frequency band.

use hadamard_geometry::{SpdBatch, SymBatch};

use crate::error::{Error, Result};
use crate::rank::Regularisation;

/// One recording as models see it: the covariances of its windows, band by band.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Name for tables and messages.
    pub id: String,
    /// Number of the person, for splits that keep a person together.
    pub person: usize,
    /// Covariances of the windows, one batch a band; all bands have as many windows.
    pub bands: Vec<SpdBatch>,
}

/// Examples with the same channels and the same bands.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    examples: Vec<Example>,
    bands: Vec<String>,
    channels: Vec<String>,
}

impl Example {
    /// Covariances of a recording, one batch a band, regularised and then required to be positive definite.
    ///
    /// # Errors
    /// [`Error::Recording`] naming the recording, the band's number and the first matrix that is singular.
    pub fn try_new(
        id: impl Into<String>,
        person: usize,
        covariances: &[SymBatch],
        regularisation: Regularisation,
    ) -> Result<Self> {
        let id = id.into();
        let convert = |batch: &SymBatch| -> Result<SpdBatch> {
            let regular = regularisation.apply_all(batch)?;
            Ok(SpdBatch::try_from_vec(regular.order(), regular.as_slice().to_vec())?)
        };
        let bands = covariances.iter().enumerate().map(|(band, batch)| {
            convert(batch).map_err(|cause| Error::Recording {
                id: id.clone(),
                cause: format!("band {}: {cause}", band + 1),
            })
        });
        let bands = bands.collect::<Result<_>>()?;
        Ok(Self { id, person, bands })
    }
}

impl Cohort {
    /// Examples that all have covariances of the named channels in the named bands.
    ///
    /// # Errors
    /// [`Error::Empty`] without examples or bands; [`Error::Recording`] naming the example that has no window, or
    /// another number of bands or channels, or a different number of windows in two bands.
    pub fn try_new(examples: Vec<Example>, bands: Vec<String>, channels: Vec<String>) -> Result<Self> {
        if examples.is_empty() {
            return Err(Error::Empty { what: "cohort" });
        }
        if bands.is_empty() {
            return Err(Error::Empty { what: "list of bands" });
        }
        for example in &examples {
            let refuse = |cause: String| Error::Recording {
                id: example.id.clone(),
                cause,
            };
            if example.bands.len() != bands.len() {
                return Err(refuse(format!(
                    "{} bands, expected {}",
                    example.bands.len(),
                    bands.len()
                )));
            }
            let windows = example.bands[0].len();
            if windows == 0 {
                return Err(refuse("no window".into()));
            }
            for batch in &example.bands {
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
            examples,
            bands,
            channels,
        })
    }

    /// The examples.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Names of the bands.
    pub fn bands(&self) -> &[String] {
        &self.bands
    }

    /// Names of the channels.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there is no example: only after [`Self::select`] of no rows.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// Number of the person of every example.
    pub fn persons(&self) -> Vec<usize> {
        self.examples.iter().map(|example| example.person).collect()
    }

    /// Number of windows of all examples together.
    pub fn windows(&self) -> usize {
        self.examples.iter().map(|example| example.bands[0].len()).sum()
    }

    /// The examples at `rows`, in that order. Panics when a row is out of range, as slices do.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            examples: rows.iter().map(|&row| self.examples[row].clone()).collect(),
            bands: self.bands.clone(),
            channels: self.channels.clone(),
        }
    }
}
