//! EDF and BDF files made to order, and where the recordings are.

use std::path::{Path, PathBuf};

/// A signal of a made recording.
#[derive(Debug, Clone)]
pub struct MadeSignal {
    /// Label.
    pub label: String,
    /// Unit.
    pub unit: &'static str,
    /// Physical minimum and maximum.
    pub physical: [f64; 2],
    /// Digital minimum and maximum.
    pub digital: [i32; 2],
    /// Digital samples of each record.
    pub records: Vec<Vec<i32>>,
}

/// A recording to be written as EDF or BDF.
#[derive(Debug, Clone)]
pub struct MadeRecording {
    /// 24 bits instead of 16.
    pub bdf: bool,
    /// The reserved field, for example `EDF+C`.
    pub reserved: &'static str,
    /// Number of records in the header.
    pub declared: i64,
    /// Seconds of a record, as text.
    pub record_seconds: &'static str,
    /// The signals; an annotation signal is one whose label says so, with bytes packed into its samples.
    pub signals: Vec<MadeSignal>,
}

impl MadeSignal {
    /// Microvolts at 0.1 µV per digital unit.
    pub fn eeg(label: &str, records: Vec<Vec<i32>>) -> Self {
        Self {
            label: label.into(),
            unit: "uV",
            physical: [-3276.8, 3276.7],
            digital: [-32768, 32767],
            records,
        }
    }

    /// An annotation signal of `samples` 16-bit samples in each record.
    pub fn annotations(records: &[&[u8]], samples: usize) -> Self {
        let pack = |bytes: &&[u8]| {
            let mut padded = bytes.to_vec();
            padded.resize(2 * samples, 0);
            padded
                .chunks_exact(2)
                .map(|pair| i32::from(i16::from_le_bytes([pair[0], pair[1]])))
                .collect()
        };
        Self {
            label: "EDF Annotations".into(),
            unit: "",
            physical: [-1.0, 1.0],
            digital: [-32768, 32767],
            records: records.iter().map(pack).collect(),
        }
    }
}

impl MadeRecording {
    /// EDF+C with one-second records.
    pub fn edf(signals: Vec<MadeSignal>) -> Self {
        Self {
            bdf: false,
            reserved: "EDF+C",
            declared: signals.first().map_or(0, |signal| signal.records.len() as i64),
            record_seconds: "1",
            signals,
        }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut field = |text: &str, width: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(width, b' ');
            out.extend_from_slice(&bytes);
        };
        let count = self.signals.len();
        field(if self.bdf { "" } else { "0" }, 8);
        field("X X X X", 80);
        field("Startdate X X X X", 80);
        field("01.01.26", 8);
        field("00.00.00", 8);
        field(&(256 * (count + 1)).to_string(), 8);
        field(self.reserved, 44);
        field(&self.declared.to_string(), 8);
        field(self.record_seconds, 8);
        field(&count.to_string(), 4);
        for signal in &self.signals {
            field(&signal.label, 16);
        }
        for _ in &self.signals {
            field("electrode", 80);
        }
        for signal in &self.signals {
            field(signal.unit, 8);
        }
        for limit in 0..4 {
            for signal in &self.signals {
                match limit {
                    0 | 1 => field(&signal.physical[limit].to_string(), 8),
                    _ => field(&signal.digital[limit - 2].to_string(), 8),
                }
            }
        }
        for _ in &self.signals {
            field("", 80);
        }
        for signal in &self.signals {
            field(&signal.records.first().map_or(0, Vec::len).to_string(), 8);
        }
        for _ in &self.signals {
            field("", 32);
        }
        if self.bdf {
            out[..8].copy_from_slice(b"\xffBIOSEMI");
        }
        let width = if self.bdf { 3 } else { 2 };
        for record in 0..self
            .signals
            .iter()
            .map(|signal| signal.records.len())
            .max()
            .unwrap_or(0)
        {
            for signal in &self.signals {
                for sample in &signal.records[record] {
                    out.extend_from_slice(&sample.to_le_bytes()[..width]);
                }
            }
        }
        out
    }

    /// Writes the file.
    ///
    /// # Panics
    /// When the directory cannot be written.
    pub fn write(&self, directory: &Path, name: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, self.bytes()).expect("a temporary directory can be written");
        path
    }
}

/// The folder of real recordings, `HADAMARD_DATA` or the one beside the workspace; says loudly when there is none.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn data(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("HADAMARD_DATA").map_or_else(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED {test}: no recordings at {} (set HADAMARD_DATA)",
        path.display()
    );
    None
}
