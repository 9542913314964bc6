//! The header of EDF and BDF files, never believed before it was compared with the length of the file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::edf::{Encoding, Scaling};
use super::{Gap, Warning, annotation};
use crate::error::{Error, Result};

/// Size of the fixed part of the header, and of each signal's part.
const BLOCK: u64 = 256;

/// Widths of the fields of a signal: label, transducer, unit, physical minimum and maximum, digital minimum and
/// maximum, prefilter, samples in a record, reserved.
const WIDTHS: [usize; 10] = [16, 80, 8, 8, 8, 8, 8, 80, 8, 32];

/// Interruptions shorter than this fraction of a sample are rounding of the records' time stamps.
const GAP_TOLERANCE: f64 = 0.5;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Plain,
    Continuous,
    Discontinuous,
}

#[derive(Debug)]
pub(super) struct Header {
    pub(super) bytes: u64,
    pub(super) kind: Kind,
    pub(super) declared_records: Option<u64>,
    pub(super) record_seconds: f64,
    pub(super) record_bytes: u64,
    pub(super) sample_bytes: u64,
    pub(super) signals: Vec<SignalHeader>,
}

#[derive(Debug)]
pub(super) struct SignalHeader {
    pub(super) label: String,
    pub(super) transducer: String,
    pub(super) unit: String,
    pub(super) physical: [String; 2],
    pub(super) digital: [String; 2],
    pub(super) prefilter: String,
    pub(super) samples: u64,
    /// Offset in bytes within a record.
    pub(super) offset: u64,
    pub(super) annotations: bool,
}

impl Header {
    pub(super) fn read(reader: &mut impl Read, path: &Path, length: u64, encoding: &Encoding) -> Result<Self> {
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

    pub(super) fn refuse(&self, path: &Path, field: &str, value: impl ToString, reason: &'static str) -> Error {
        Error::Header {
            path: path.to_path_buf(),
            field: field.into(),
            value: value.to_string(),
            reason,
        }
    }

    /// Number of whole records in the file, with warnings where it differs from the header.
    pub(super) fn records(&self, path: &Path, length: u64, warnings: &mut Vec<Warning>) -> Result<u64> {
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
    pub(super) fn read_annotations(
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
    pub(super) fn scaling(&self, path: &Path, to_si: f64) -> Result<Scaling> {
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
        let offset = p_min - gain * d_min;
        // The largest digital value of 24 bits.
        let largest = gain.abs() * f64::from(1 << 23) + offset.abs();
        if !largest.is_finite() {
            return Err(refuse(
                format!("physical range of channel {:?}", self.label),
                &format!("{}..{}", self.physical[0], self.physical[1]),
                "values leave the range of numbers",
            ));
        }
        Ok(Scaling {
            position: self.offset,
            samples: self.samples,
            gain,
            offset,
            to_si,
        })
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
