//! Channel names: decoration, matching, which channels are scalp EEG.

use crate::error::{Error, Result};

/// One channel of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Label as the file has it.
    pub label: String,
    /// Label without decoration ([`bare_name`]).
    pub name: String,
    /// Unit in the file.
    pub unit: String,
    /// Factor that takes the file's unit to that of SI: volts (1e-6 for µV), teslas (1e-15 for fT), teslas a metre (1e-13
    /// for fT/cm); 1 for every other unit.
    pub to_si: f64,
    /// Samples per second.
    pub sampling_rate: f64,
    /// Number of samples.
    pub samples: usize,
    /// Transducer, as the file has it.
    pub transducer: String,
    /// Filters applied before recording, as the file has it.
    pub prefilter: String,
}

impl Channel {
    /// Whether the unit is volts (µV, mV, V).
    pub fn is_voltage(&self) -> bool {
        voltage_factor(&self.unit).is_some()
    }
}

/// Label without the decoration that recorders add: a leading `EEG `, trailing dots, a trailing `-REF` or `-LE`.
///
/// ```
/// use hadamard_meeg::io::channel::bare_name;
///
/// assert_eq!(bare_name("EEG Fp1-REF"), "Fp1");
/// assert_eq!(bare_name("Fc5."), "Fc5");
/// ```
pub fn bare_name(label: &str) -> &str {
    let mut name = label.trim();
    if name.len() > 4 && name.as_bytes()[..4].eq_ignore_ascii_case(b"EEG ") {
        name = name[4..].trim_start();
    }
    name = name.trim_end_matches('.');
    for suffix in ["-REF", "-LE"] {
        let split = name.len().saturating_sub(suffix.len());
        if split > 0 && name.is_char_boundary(split) && name[split..].eq_ignore_ascii_case(suffix) {
            name = &name[..split];
        }
    }
    name.trim_end()
}

/// Whether two labels name the same channel: equal without decoration, in any case of letters.
pub fn same(a: &str, b: &str) -> bool {
    bare_name(a).to_lowercase() == bare_name(b).to_lowercase()
}

/// Positions of `names` within `labels`, in the order of `names`; `context` names the recording in errors.
///
/// # Errors
/// [`Error::UnknownChannel`]; [`Error::DuplicateChannel`] when a name fits two labels (and neither exactly).
pub fn find(labels: &[impl AsRef<str>], names: &[impl AsRef<str>], context: &str) -> Result<Vec<usize>> {
    names
        .iter()
        .map(|name| {
            let name = name.as_ref();
            if let Some(exact) = labels.iter().position(|label| label.as_ref() == name) {
                return Ok(exact);
            }
            let mut matches = labels
                .iter()
                .enumerate()
                .filter(|(_, label)| same(label.as_ref(), name));
            match (matches.next(), matches.next()) {
                (Some((index, _)), None) => Ok(index),
                (Some(_), Some(_)) => Err(Error::DuplicateChannel {
                    context: context.into(),
                    channel: name.into(),
                }),
                (None, _) => Err(Error::UnknownChannel {
                    context: context.into(),
                    channel: name.into(),
                    known: list(labels),
                }),
            }
        })
        .collect()
}

/// Whether a name belongs to the extended 10-20 (10-10, 10-5) system: a region's letters and a digit or `z`.
///
/// Ear and mastoid positions (A1, A2, M1, M2) are references, not scalp.
pub fn is_scalp(label: &str) -> bool {
    const REGIONS: [&str; 30] = [
        "NZ", "FP", "AFP", "AF", "AFF", "F", "FF", "FFT", "FFC", "FT", "FC", "FTT", "FCC", "T", "C", "TTP", "CCP",
        "TP", "CP", "TPP", "CPP", "P", "PPO", "PO", "POO", "O", "OI", "I", "FTP", "CB",
    ];
    let name = bare_name(label).to_uppercase();
    if let Some(region) = name.strip_suffix('Z') {
        return name == "NZ" || REGIONS.contains(&region);
    }
    let region = name
        .trim_end_matches('H')
        .trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &name.trim_end_matches('H')[region.len()..];
    REGIONS.contains(&region) && matches!(number.parse::<u32>(), Ok(1..=10))
}

/// Whether a name says that a channel is not EEG: heart, eyes, muscles, breath, reference, triggers.
pub fn is_other(label: &str) -> bool {
    const OTHERS: [&str; 16] = [
        "ECG", "EKG", "EOG", "HEOG", "VEOG", "EMG", "EXG", "RESP", "GSR", "TEMP", "PLET", "STATUS", "TRIG", "EVENT",
        "REF", "PULSE",
    ];
    let name = bare_name(label).to_uppercase();
    OTHERS.iter().any(|other| name.starts_with(other))
}

/// Factor from a unit of voltage to volts; `None` for any other unit.
pub(crate) fn voltage_factor(unit: &str) -> Option<f64> {
    match unit.trim() {
        "uV" | "µV" | "μV" | "UV" | "uv" | "microV" => Some(1e-6),
        "nV" => Some(1e-9),
        "mV" | "MV" | "mv" => Some(1e-3),
        "V" | "v" => Some(1.0),
        _ => None,
    }
}

/// Factor from a unit of voltage, of a magnetic field or of its gradient to V, T or T/m; `None` for any other unit.
pub(crate) fn si_factor(unit: &str) -> Option<f64> {
    voltage_factor(unit).or_else(|| match unit.trim() {
        "fT" => Some(1e-15),
        "pT" => Some(1e-12),
        "nT" => Some(1e-9),
        "uT" | "µT" | "μT" => Some(1e-6),
        "mT" => Some(1e-3),
        "T" | "T/m" => Some(1.0),
        "fT/cm" => Some(1e-13),
        "pT/cm" => Some(1e-10),
        "fT/m" => Some(1e-15),
        "pT/m" => Some(1e-12),
        _ => None,
    })
}

/// Up to twelve labels for an error message.
fn list(labels: &[impl AsRef<str>]) -> String {
    let mut text = labels.iter().take(12).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if labels.len() > 12 {
        text += &format!(", ... {} in all", labels.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalp_names() {
        for name in [
            "Fp1",
            "EEG Fz",
            "Cz..",
            "AF7",
            "FTT10h",
            "T3",
            "PO8",
            "Iz",
            "eeg o2-ref",
            "CPP5h",
            "Nz",
        ] {
            assert!(is_scalp(name), "{name}");
        }
        for name in [
            "A1",
            "EEG A2-A1",
            "ECG ECG",
            "M2",
            "Status",
            "C",
            "z",
            "",
            "EXG1",
            "F11",
            "Fpz-Cz",
        ] {
            assert!(!is_scalp(name), "{name}");
        }
    }

    #[test]
    fn names_match_without_decoration() {
        let labels = ["EEG Fp1", "Fc5.", "EEG A2-A1", "T8-LE"];
        assert_eq!(find(&labels, &["fc5", "FP1", "t8"], "x").unwrap(), [1, 0, 3]);
        assert!(matches!(find(&labels, &["Oz"], "x"), Err(Error::UnknownChannel { .. })));
        assert!(matches!(
            find(&["Cz", "EEG Cz"], &["CZ"], "x"),
            Err(Error::DuplicateChannel { .. })
        ));
        assert_eq!(bare_name("-REF"), "-REF");
        assert_eq!(bare_name("EEG "), "EEG");
    }
}
