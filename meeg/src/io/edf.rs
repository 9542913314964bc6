//! European Data Format: EDF and EDF+ (16 bit), and what BDF shares with it.
//!
//! Kemp, Värri, Rosa, Nielsen & Gade, *A simple format for exchange of digitized polygraphic recordings*, 1992;
//! Kemp & Olivan, *European data format 'plus'*, 2003. A header of 256 bytes, 256 bytes for each signal, then data
//! records; each record holds all signals' samples of its duration, one signal after another.
//!
//! Physical value = gain · digital + offset with gain = (p_max − p_min)/(d_max − d_min), offset = p_min − gain · d_min.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::edf_header::{Header, Kind};
use super::{Channel, Reader, Recording, Source, channel};
use crate::error::{Error, Result};

/// EDF and EDF+ as [`super::open`] knows them.
pub(super) const READER: Reader = Reader {
    name: "EDF",
    extension: "edf",
    recognises: |head| head.starts_with(b"0       "),
    open: |path| open(path, &SIXTEEN_BIT),
};

/// What distinguishes BDF from EDF.
pub(super) struct Encoding {
    /// Bytes of a sample.
    pub(super) bytes: usize,
    /// Little-endian two's complement.
    pub(super) decode: fn(&[u8]) -> i32,
    /// Label of the annotation signal.
    pub(super) annotation_label: &'static str,
    /// Names of the format: plain, continuous with annotations, discontinuous.
    pub(super) names: [&'static str; 3],
}

const SIXTEEN_BIT: Encoding = Encoding {
    bytes: 2,
    decode: |bytes| i32::from(i16::from_le_bytes([bytes[0], bytes[1]])),
    annotation_label: "EDF Annotations",
    names: ["EDF", "EDF+C", "EDF+D"],
};

/// Bytes read at once.
const CHUNK: u64 = 1 << 20;

/// Opens an EDF or BDF file.
pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Recording> {
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut reader = BufReader::new(file);
    let header = Header::read(&mut reader, path, length, encoding)?;
    let mut warnings = Vec::new();
    let records = header.records(path, length, &mut warnings)?;
    let (annotations, gaps) = header
        .read_annotations(&mut reader, records, &mut warnings)
        .map_err(io)?;

    let mut channels = Vec::new();
    let mut scalings = Vec::new();
    for signal in header.signals.iter().filter(|signal| !signal.annotations) {
        let samples = usize::try_from(records * signal.samples).map_err(|_| {
            header.refuse(
                path,
                "number of records",
                records,
                "more samples than this machine can address",
            )
        })?;
        let to_si = channel::si_factor(&signal.unit).unwrap_or(1.0);
        let sampling_rate = signal.samples as f64 / header.record_seconds;
        if !sampling_rate.is_finite() {
            return Err(header.refuse(
                path,
                "record duration",
                header.record_seconds,
                "too short for a sampling rate",
            ));
        }
        channels.push(Channel {
            label: signal.label.clone(),
            name: channel::bare_name(&signal.label).to_owned(),
            unit: signal.unit.clone(),
            to_si,
            sampling_rate,
            samples,
            transducer: signal.transducer.clone(),
            prefilter: signal.prefilter.clone(),
        });
        scalings.push(signal.scaling(path, to_si)?);
    }
    if channels.is_empty() {
        return Err(header.refuse(
            path,
            "number of signals",
            header.signals.len(),
            "no signal holds samples",
        ));
    }
    let source = Records {
        path: path.to_path_buf(),
        start: header.bytes,
        record_bytes: header.record_bytes,
        encoding,
        scalings,
    };
    let format = encoding.names[match header.kind {
        Kind::Plain => 0,
        Kind::Continuous => 1,
        Kind::Discontinuous => 2,
    }];
    Ok(Recording::new(path, format, channels, Box::new(source)).with_report(annotations, gaps, warnings))
}

/// From digital to SI values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scaling {
    /// Offset in bytes within a record.
    pub(super) position: u64,
    /// Samples in a record.
    pub(super) samples: u64,
    pub(super) gain: f64,
    pub(super) offset: f64,
    pub(super) to_si: f64,
}

/// The data records of an opened file.
#[derive(Debug)]
struct Records {
    path: PathBuf,
    start: u64,
    record_bytes: u64,
    encoding: &'static Encoding,
    scalings: Vec<Scaling>,
}

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.names[0])
    }
}

impl Source for Records {
    fn read(&self, channels: &[usize], range: Range<usize>, out: &mut [f64]) -> Result<()> {
        let io = |source| Error::Io {
            path: self.path.clone(),
            source,
        };
        let wanted: Vec<Scaling> = channels.iter().map(|&index| self.scalings[index]).collect();
        let (Some(first), false) = (wanted.first(), range.is_empty()) else {
            return Ok(());
        };
        let width = self.encoding.bytes as u64;
        let per_record = first.samples;
        let records = range.start as u64 / per_record..(range.end as u64).div_ceil(per_record);
        // The part of each record that holds the wanted channels; when it is most of the record, read through.
        let low = wanted.iter().map(|s| s.position).min().unwrap_or(0);
        let high = wanted.iter().map(|s| s.position + s.samples * width).max().unwrap_or(0);
        let (low, high, batch) = if 2 * (high - low) > self.record_bytes {
            (0, self.record_bytes, (CHUNK / self.record_bytes).max(1))
        } else {
            (low, high, 1)
        };
        let span = high - low;
        let mut file = File::open(&self.path).map_err(io)?;
        let mut bytes = Vec::new();
        let mut record = records.start;
        while record < records.end {
            let count = batch.min(records.end - record);
            file.seek(SeekFrom::Start(self.start + record * self.record_bytes + low))
                .map_err(io)?;
            bytes.resize((count * span) as usize, 0);
            file.read_exact(&mut bytes).map_err(io)?;
            for (current, bytes) in (record..).zip(bytes.chunks_exact(span as usize)) {
                let first_sample = (current * per_record) as usize;
                let skip = range.start.saturating_sub(first_sample);
                let take = (per_record as usize).min(range.end - first_sample) - skip;
                let target = first_sample + skip - range.start;
                for (row, scaling) in wanted.iter().enumerate() {
                    let from = (scaling.position - low) as usize + skip * self.encoding.bytes;
                    let source = &bytes[from..from + take * self.encoding.bytes];
                    let out = &mut out[row * range.len() + target..][..take];
                    for (value, digital) in out.iter_mut().zip(source.chunks_exact(self.encoding.bytes)) {
                        let digital = f64::from((self.encoding.decode)(digital));
                        *value = (digital * scaling.gain + scaling.offset) * scaling.to_si;
                    }
                }
            }
            record += count;
        }
        Ok(())
    }
}
