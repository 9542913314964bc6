//! Annotations and the time-stamped lists (TALs) that EDF+ and BDF+ keep them in.

/// An event with a time, a length and a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Seconds from the first sample.
    pub onset: f64,
    /// Seconds; 0 when the file gives none.
    pub duration: f64,
    /// The text.
    pub text: String,
}

/// What one data record's annotation signal holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RecordAnnotations {
    /// Start of the record in seconds: the onset of a leading list with an empty first text.
    pub(super) time: Option<f64>,
    /// Annotations with onsets in the file's own time.
    pub(super) annotations: Vec<Annotation>,
    /// Whether something did not follow the format.
    pub(super) malformed: bool,
}

/// Parses the bytes of one record's annotation signal: lists `+onset[\x15duration]\x14text\x14...\x00`.
pub(super) fn parse(bytes: &[u8]) -> RecordAnnotations {
    let mut result = RecordAnnotations::default();
    for (position, list) in bytes.split(|&b| b == 0).filter(|list| !list.is_empty()).enumerate() {
        let mut parts = list.split(|&b| b == 0x14);
        let stamp = parts.next().unwrap_or_default();
        let mut stamp = stamp.split(|&b| b == 0x15);
        let onset = stamp.next().and_then(signed_seconds);
        let duration = stamp.next().map(seconds);
        // A list ends in \x14, so the last part is empty; without it the list was cut.
        let (Some(onset), Some(b"")) = (onset, list.rsplit(|&b| b == 0x14).next()) else {
            result.malformed = true;
            continue;
        };
        let duration = match duration {
            None => 0.0,
            Some(Some(duration)) => duration,
            Some(None) => {
                result.malformed = true;
                0.0
            }
        };
        let texts: Vec<&[u8]> = parts.collect();
        let texts = &texts[..texts.len().saturating_sub(1)];
        if position == 0 && texts.first().is_some_and(|text| text.is_empty()) {
            result.time = Some(onset);
        }
        for text in texts.iter().filter(|text| !text.is_empty()) {
            result.annotations.push(Annotation {
                onset,
                duration,
                text: String::from_utf8_lossy(text).into_owned(),
            });
        }
    }
    result
}

/// Seconds with the sign that onsets must carry.
fn signed_seconds(bytes: &[u8]) -> Option<f64> {
    matches!(bytes.first(), Some(b'+' | b'-'))
        .then(|| seconds(bytes))
        .flatten()
}

/// Finite decimal seconds.
fn seconds(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes).ok()?.trim().replace(',', ".");
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_one_record() {
        let parsed = parse(b"+12.5\x14\x14\x00+13\x150.25\x14left\x14right\x14\x00-0.5\x14early\x14\x00\x00\x00");
        assert_eq!(parsed.time, Some(12.5));
        assert!(!parsed.malformed);
        let seen: Vec<_> = parsed
            .annotations
            .iter()
            .map(|a| (a.onset, a.duration, a.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [(13.0, 0.25, "left"), (13.0, 0.25, "right"), (-0.5, 0.0, "early")]
        );
    }

    #[test]
    fn malformed_lists_are_skipped() {
        for bytes in [
            &b"12\x14no sign\x14\x00"[..],
            b"+nan\x14x\x14\x00",
            b"+1\x14cut",
            b"+\x14\x14\x00",
            b"\xff\xfe",
        ] {
            let parsed = parse(bytes);
            assert!(parsed.malformed && parsed.annotations.is_empty(), "{bytes:?}");
        }
    }
}
