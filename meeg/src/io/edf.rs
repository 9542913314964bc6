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

use super::{Channel, Gap, Reader, Recording, Source, Warning, annotation, channel};
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

/// Size of the fixed part of the header, and of each signal's part.
const BLOCK: u64 = 256;

/// Widths of the fields of a signal: label, transducer, unit, physical minimum and maximum, digital minimum and
/// maximum, prefilter, samples in a record, reserved.
const WIDTHS: [usize; 10] = [16, 80, 8, 8, 8, 8, 8, 80, 8, 32];

/// Interruptions shorter than this fraction of a sample are rounding of the records' time stamps.
const GAP_TOLERANCE: f64 = 0.5;

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
        let to_si = channel::voltage_factor(&signal.unit).unwrap_or(1.0);
        channels.push(Channel {
            label: signal.label.clone(),
            name: channel::bare_name(&signal.label).to_owned(),
            unit: signal.unit.clone(),
            to_si,
            sampling_rate: signal.samples as f64 / header.record_seconds,
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

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Continuous,
    Discontinuous,
}

#[derive(Debug)]
struct Header {
    bytes: u64,
    kind: Kind,
    declared_records: Option<u64>,
    record_seconds: f64,
    record_bytes: u64,
    sample_bytes: u64,
    signals: Vec<SignalHeader>,
}

#[derive(Debug)]
struct SignalHeader {
    label: String,
    transducer: String,
    unit: String,
    physical: [String; 2],
    digital: [String; 2],
    prefilter: String,
    samples: u64,
    /// Offset in bytes within a record.
    offset: u64,
    annotations: bool,
}

/// From digital to SI values.
#[derive(Debug, Clone, Copy)]
struct Scaling {
    /// Offset in bytes within a record.
    position: u64,
    /// Samples in a record.
    samples: u64,
    gain: f64,
    offset: f64,
    to_si: f64,
}

impl Header {
    fn read(reader: &mut impl Read, path: &Path, length: u64, encoding: &Encoding) -> Result<Self> {
        let io = |source| Error::Io {
            path: path.to_path_buf(),
            source,
        };
        let truncated = |expected| Error::TruncatedHeader {
            path: path.to_path_buf(),
            expected,
            found: length,
        };
        if length < BLOCK {
            return Err(truncated(BLOCK));
        }
        let mut fixed = [0; BLOCK as usize];
        reader.read_exact(&mut fixed).map_err(io)?;
        let field = |range: Range<usize>| text(&fixed[range]);
        let refuse = |field: &str, value: String, reason| Error::Header {
            path: path.to_path_buf(),
            field: field.into(),
            value,
            reason,
        };
        let count_text = field(252..256);
        let count = match count_text.parse::<u64>() {
            Ok(count) if count > 0 => count,
            _ => {
                return Err(refuse(
                    "number of signals",
                    count_text,
                    "expected a positive whole number",
                ));
            }
        };
        let bytes = BLOCK * (count + 1);
        if field(184..192).parse::<u64>() != Ok(bytes) {
            return Err(refuse(
                "header bytes",
                field(184..192),
                "expected 256 (number of signals + 1)",
            ));
        }
        if length < bytes {
            return Err(truncated(bytes));
        }
        let declared_records = match field(236..244).parse::<i64>() {
            Ok(-1) => None,
            Ok(records) if records > 0 => Some(records as u64),
            _ => {
                return Err(refuse(
                    "number of records",
                    field(236..244),
                    "expected a positive whole number, or -1 for unknown",
                ));
            }
        };
        let record_seconds = number(&field(244..252))
            .filter(|seconds| *seconds > 0.0)
            .ok_or_else(|| {
                refuse(
                    "record duration",
                    field(244..252),
                    "expected a positive number of seconds",
                )
            })?;
        let reserved = field(192..236);
        let kind = match reserved.as_bytes() {
            [_, b'D', b'F', b'+', b'C', ..] => Kind::Continuous,
            [_, b'D', b'F', b'+', b'D', ..] => Kind::Discontinuous,
            _ => Kind::Plain,
        };

        let count = count as usize;
        let mut fields: Vec<Vec<String>> = Vec::with_capacity(WIDTHS.len());
        let mut block = Vec::new();
        for width in WIDTHS {
            block.resize(width * count, 0);
            reader.read_exact(&mut block).map_err(io)?;
            fields.push(block.chunks_exact(width).map(text).collect());
        }
        let mut take = |field: usize, signal: usize| std::mem::take(&mut fields[field][signal]);
        let mut signals = Vec::with_capacity(count);
        let mut offset = 0;
        for index in 0..count {
            let label = take(0, index);
            let samples_text = take(8, index);
            let samples = match samples_text.parse::<u64>() {
                Ok(samples) if samples > 0 => samples,
                _ => {
                    return Err(refuse(
                        &format!("samples per record of channel {label:?}"),
                        samples_text,
                        "expected a positive whole number",
                    ));
                }
            };
            signals.push(SignalHeader {
                transducer: take(1, index),
                unit: take(2, index),
                physical: [take(3, index), take(4, index)],
                digital: [take(5, index), take(6, index)],
                prefilter: take(7, index),
                samples,
                offset,
                annotations: label == encoding.annotation_label,
                label,
            });
            // At most 9999 signals of at most 99 999 999 samples: far from the end of u64.
            offset += samples * encoding.bytes as u64;
        }
        Ok(Self {
            bytes,
            kind,
            declared_records,
            record_seconds,
            record_bytes: offset,
            sample_bytes: encoding.bytes as u64,
            signals,
        })
    }

    fn refuse(&self, path: &Path, field: &str, value: impl ToString, reason: &'static str) -> Error {
        Error::Header {
            path: path.to_path_buf(),
            field: field.into(),
            value: value.to_string(),
            reason,
        }
    }

    /// Number of whole records in the file, with warnings where it differs from the header.
    fn records(&self, path: &Path, length: u64, warnings: &mut Vec<Warning>) -> Result<u64> {
        let present = (length - self.bytes) / self.record_bytes;
        let leftover = (length - self.bytes) % self.record_bytes;
        let fits = leftover == 0 && self.declared_records.is_none_or(|declared| declared == present);
        if !fits && let Some(line_feeds) = text_mode_line_feeds(path)? {
            return Err(Error::TextModeTransfer {
                path: path.to_path_buf(),
                line_feeds,
            });
        }
        if present == 0 {
            return Err(Error::NoData {
                path: path.to_path_buf(),
                expected: self.record_bytes,
                found: length - self.bytes,
            });
        }
        match self.declared_records {
            Some(declared) if present >= declared => {
                let bytes = length - self.bytes - declared * self.record_bytes;
                if bytes > 0 {
                    warnings.push(Warning::TrailingBytes { bytes });
                }
                Ok(declared)
            }
            None if leftover == 0 => Ok(present),
            declared => {
                warnings.push(Warning::TruncatedData {
                    declared: declared.unwrap_or(present + 1),
                    present,
                    leftover_bytes: leftover,
                });
                Ok(present)
            }
        }
    }

    /// All annotations, onsets counted from the first sample, and the interruptions of a discontinuous file.
    fn read_annotations(
        &self,
        reader: &mut (impl Read + Seek),
        records: u64,
        warnings: &mut Vec<Warning>,
    ) -> std::io::Result<(Vec<annotation::Annotation>, Vec<Gap>)> {
        let mut annotations = Vec::new();
        let mut gaps = Vec::new();
        let signals: Vec<&SignalHeader> = self.signals.iter().filter(|signal| signal.annotations).collect();
        if signals.is_empty() || self.kind == Kind::Plain {
            return Ok((annotations, gaps));
        }
        let highest = self
            .signals
            .iter()
            .filter(|s| !s.annotations)
            .map(|s| s.samples)
            .max()
            .unwrap_or(1);
        let mut origin = 0.0;
        let mut expected = None;
        let mut bytes = Vec::new();
        for record in 0..records {
            for (index, signal) in signals.iter().enumerate() {
                bytes.resize((signal.samples * self.sample_bytes) as usize, 0);
                reader.seek(SeekFrom::Start(self.bytes + record * self.record_bytes + signal.offset))?;
                reader.read_exact(&mut bytes)?;
                let parsed = annotation::parse(&bytes);
                if parsed.malformed {
                    warnings.push(Warning::BadAnnotation { record });
                }
                annotations.extend(parsed.annotations);
                let (0, Some(time)) = (index, parsed.time) else {
                    continue;
                };
                if record == 0 {
                    origin = time;
                }
                let seconds = time - expected.unwrap_or(time);
                if self.kind == Kind::Discontinuous
                    && seconds.abs() > GAP_TOLERANCE * self.record_seconds / highest as f64
                {
                    gaps.push(Gap {
                        sample: (record * highest) as usize,
                        seconds,
                    });
                }
                expected = Some(time + self.record_seconds);
            }
        }
        for annotation in &mut annotations {
            annotation.onset -= origin;
        }
        annotations.sort_by(|a, b| a.onset.total_cmp(&b.onset));
        Ok((annotations, gaps))
    }
}

impl SignalHeader {
    fn scaling(&self, path: &Path, to_si: f64) -> Result<Scaling> {
        let refuse = |field: String, value: &str, reason| Error::Header {
            path: path.to_path_buf(),
            field,
            value: value.into(),
            reason,
        };
        let mut limits = [0.0; 4];
        let names = [
            "physical minimum",
            "physical maximum",
            "digital minimum",
            "digital maximum",
        ];
        for (i, value) in self.physical.iter().chain(&self.digital).enumerate() {
            limits[i] = number(value).ok_or_else(|| {
                refuse(
                    format!("{} of channel {:?}", names[i], self.label),
                    value,
                    "expected a finite number",
                )
            })?;
        }
        let [p_min, p_max, d_min, d_max] = limits;
        if d_min == d_max {
            return Err(refuse(
                format!("digital range of channel {:?}", self.label),
                &format!("{}..{}", self.digital[0], self.digital[1]),
                "minimum and maximum are equal",
            ));
        }
        if p_min == p_max {
            return Err(refuse(
                format!("physical range of channel {:?}", self.label),
                &format!("{}..{}", self.physical[0], self.physical[1]),
                "minimum and maximum are equal",
            ));
        }
        let gain = (p_max - p_min) / (d_max - d_min);
        Ok(Scaling {
            position: self.offset,
            samples: self.samples,
            gain,
            offset: p_min - gain * d_min,
            to_si,
        })
    }
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

/// Number of CR LF pairs when every line feed of the file follows a carriage return, and there are at least four.
fn text_mode_line_feeds(path: &Path) -> Result<Option<u64>> {
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut reader = File::open(path).map_err(io)?;
    let mut bytes = vec![0; 1 << 16];
    let (mut pairs, mut last) = (0, 0);
    loop {
        let count = reader.read(&mut bytes).map_err(io)?;
        if count == 0 {
            return Ok((pairs >= 4).then_some(pairs));
        }
        for &byte in &bytes[..count] {
            if byte == b'\n' {
                if last != b'\r' {
                    return Ok(None);
                }
                pairs += 1;
            }
            last = byte;
        }
    }
}

/// A header field as text: Latin-1, spaces and NULs trimmed.
fn text(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|&byte| byte as char).collect();
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()
}

/// A finite number, with a decimal point or comma.
fn number(text: &str) -> Option<f64> {
    text.replace(',', ".")
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
}
