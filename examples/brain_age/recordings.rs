//! Recordings of a folder to covariances of windows.

use std::path::{Path, PathBuf};

use hadamard::geometry::SymBatch;
use hadamard::meeg::covariance::Estimator;
use hadamard::meeg::filter_bank::{Cutting, Preparation, Times};
use hadamard::meeg::io::{self, npy::Arrays};
use hadamard::meeg::rank::{self, Regularisation};
use hadamard::meeg::{Band, Cohort, Error, Example, FilterBank};
use rayon::prelude::*;

use crate::Failure;
use crate::report::{Clock, Progress};

/// Windows of 4 s without overlap.
const CUTTING: Cutting = Cutting {
    seconds: 4.0,
    overlap: 0.0,
    peak_to_peak: None,
};

/// Share of the mean variance added to every covariance: recordings cleaned by projections have singular ones, and all
/// recordings must be treated alike.
const SHRINKAGE: f64 = 0.05;

/// One file: its channels, its bands, and the covariances of the windows for each band.
struct Loaded {
    channels: Vec<String>,
    bands: Vec<String>,
    covariances: Vec<SymBatch>,
    remarks: Vec<String>,
    times: Times,
}

/// The recordings of a folder, sorted by name.
pub(crate) fn find(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = match io::find_recordings(directory) {
        Ok(found) => found,
        Err(Error::NoRecordings { .. }) => Vec::new(),
        Err(cause) => return Err(cause.to_string()),
    };
    let listing = std::fs::read_dir(directory).map_err(|cause| format!("{}: {cause}", directory.display()))?;
    found.extend(
        listing
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| is_array(path)),
    );
    if found.is_empty() {
        return Err(format!(
            "{}: no recordings in this folder (.edf, .bdf, .npy, .npz)",
            directory.display()
        ));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Reads all files; they must have the same channels and bands.
pub(crate) fn read(
    files: &[PathBuf],
    persons: &[usize],
    bands: &[String],
    notes: &mut Vec<String>,
    clock: &Clock,
) -> Result<Cohort, Failure> {
    let bank = if files.iter().all(|path| is_array(path)) {
        FilterBank::default()
    } else {
        filter_bank(bands)?
    };
    let progress = Progress::new("recordings", files.len());
    let loaded: Vec<Result<Loaded, Failure>> = files
        .par_iter()
        .map(|path| {
            let loaded = if is_array(path) {
                arrays(path, bands)
            } else {
                recording(path, &bank)
            };
            progress.tick();
            loaded.map_err(|cause| cause.to_string())
        })
        .collect();
    // The first failure in the order of the table, whatever thread met it.
    let loaded = loaded.into_iter().collect::<Result<Vec<_>, _>>()?;
    let first = &loaded[0];
    for (path, other) in files.iter().zip(&loaded) {
        io::check_same_channels(&files[0], &first.channels, path, &other.channels)
            .map_err(|cause| cause.to_string())?;
        if other.bands != first.bands {
            return Err(format!(
                "{}: bands {}, expected {}",
                path.display(),
                other.bands.join(", "),
                first.bands.join(", ")
            ));
        }
    }
    report(&loaded, notes, clock);
    let examples = files.iter().zip(&loaded).zip(persons).map(|((path, loaded), &person)| {
        let id = path.display().to_string();
        Example::try_new(id, person, &loaded.covariances, Regularisation::Shrinkage(SHRINKAGE))
    });
    let examples = examples
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| cause.to_string())?;
    Cohort::try_new(examples, first.bands.clone(), first.channels.clone()).map_err(|cause| cause.to_string())
}

fn recording(path: &Path, bank: &FilterBank) -> Result<Loaded, Error> {
    let read = bank.recording(path, &Preparation::default(), Some(CUTTING))?;
    let mut remarks: Vec<String> = read
        .warnings
        .iter()
        .map(|warning| format!("{}: {warning}", path.display()))
        .collect();
    let deficient = read.bands.iter().map(rank_of).collect::<Result<Vec<_>, _>>()?;
    if let Some(rank) = deficient.into_iter().min().filter(|&rank| rank < read.channels.len()) {
        remarks.push(format!("{}: rank {rank} of {}", path.display(), read.channels.len()));
    }
    Ok(Loaded {
        channels: read.channels,
        bands: bank.bands.iter().map(|band| band.name.clone()).collect(),
        covariances: read.bands,
        remarks,
        times: read.times,
    })
}

/// Numerical rank of the mean covariance.
fn rank_of(batch: &SymBatch) -> Result<usize, Error> {
    let mut sum = batch.matrix(0).into_owned();
    for matrix in batch.iter().skip(1) {
        sum += matrix;
    }
    Ok(rank::report(&sum, rank::DEFAULT_THRESHOLD)?.rank)
}

/// Arrays of one recording: ready covariances (windows x channels x channels), or epochs (windows x channels x time)
/// whose covariances are taken. Each array is a band of its name.
fn arrays(path: &Path, bands: &[String]) -> Result<Loaded, Error> {
    let refuse = |cause: String| Error::File {
        path: path.into(),
        cause,
    };
    let arrays = Arrays::open(path)?;
    let known = arrays.names();
    let names: Vec<String> = if !bands.is_empty() {
        bands.to_vec()
    } else if known.contains(&"covs") {
        vec!["covs".into()]
    } else {
        known.iter().map(|name| name.to_string()).collect()
    };
    let mut covariances: Vec<SymBatch> = Vec::with_capacity(names.len());
    for name in &names {
        let array = arrays.array(name)?;
        let &[_, channels, time] = &array.shape[..] else {
            return Err(refuse(format!(
                "array {name:?} has shape {:?}, expected three axes",
                array.shape
            )));
        };
        if let Some(bad) = array.data.iter().find(|value| !value.is_finite()) {
            return Err(refuse(format!("array {name:?} contains {bad}")));
        }
        let batch = if channels == time {
            arrays.symmetric(name)
        } else if time < channels {
            return Err(refuse(format!(
                "array {name:?} has {time} samples in a window, fewer than its {channels} channels"
            )));
        } else {
            let epochs = arrays.epochs(name, 1.0, None)?;
            Estimator::Unbiased.estimate_all(&epochs.iter().collect::<Vec<_>>())
        };
        covariances.push(batch.map_err(|cause| refuse(format!("array {name:?}: {cause}")))?);
    }
    let order = covariances[0].order();
    Ok(Loaded {
        channels: (1..=order).map(|channel| format!("ch{channel}")).collect(),
        bands: names
            .iter()
            .map(|name| if name.is_empty() { "all".into() } else { name.clone() })
            .collect(),
        covariances,
        remarks: Vec::new(),
        times: Times::default(),
    })
}

/// Bands by name, as `8-13`, or as `mu:8-13`.
fn filter_bank(bands: &[String]) -> Result<FilterBank, Failure> {
    if bands.is_empty() {
        return Ok(FilterBank::default());
    }
    let band = |text: &String| -> Result<Band, Failure> {
        let known = match text.as_str() {
            "delta" => Band::new(text, 1.0, 4.0),
            "theta" => Band::new(text, 4.0, 8.0),
            "alpha" => Band::new(text, 8.0, 13.0),
            "beta" => Band::new(text, 13.0, 30.0),
            "gamma" => Band::new(text, 30.0, 45.0),
            // Names of arrays are not bands in hertz; they are looked up in the file.
            _ if text.contains(':') => return text.parse().map_err(|cause: Error| format!("--bands {text}: {cause}")),
            _ => {
                return format!("{text}:{text}")
                    .parse()
                    .map_err(|cause: Error| format!("--bands {text}: {cause}"));
            }
        };
        Ok(known)
    };
    Ok(FilterBank::new(bands.iter().map(band).collect::<Result<_, _>>()?))
}

fn is_array(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| extension == "npy" || extension == "npz")
}

/// What the reader should know of the recordings: warnings, deficient ranks, where the time went.
fn report(loaded: &[Loaded], notes: &mut Vec<String>, clock: &Clock) {
    let remarks: Vec<&String> = loaded.iter().flat_map(|file| &file.remarks).collect();
    for remark in &remarks {
        clock.remark(remark);
    }
    notes.push(format!(
        "covariances: windows of {} s, shrunk by {SHRINKAGE} to a multiple of the identity",
        CUTTING.seconds
    ));
    if !remarks.is_empty() {
        notes.push(format!(
            "{} warnings on recordings (deficient rank, truncation): --verbose lists them",
            remarks.len()
        ));
    }
    let total = |part: fn(&Times) -> std::time::Duration| {
        loaded
            .iter()
            .map(|file| part(&file.times))
            .sum::<std::time::Duration>()
            .as_secs_f64()
    };
    clock.part("reading (sum over threads)".into(), total(|times| times.read));
    clock.part("filtering (sum over threads)".into(), total(|times| times.filter));
    clock.part("covariances (sum over threads)".into(), total(|times| times.covariance));
}
