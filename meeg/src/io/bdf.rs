//! BioSemi Data Format: BDF and BDF+, EDF with samples of 24 bits, and its trigger channel.

use super::edf::{self, Encoding};
use super::{Annotation, Reader, Recording};
use crate::error::Result;

/// BDF and BDF+ as [`super::open`] knows them.
pub(super) const READER: Reader = Reader {
    name: "BDF",
    extension: "bdf",
    recognises: |head| head.starts_with(b"\xffBIOSEMI"),
    open: |path| edf::open(path, &TWENTY_FOUR_BIT),
};

const TWENTY_FOUR_BIT: Encoding = Encoding {
    bytes: 3,
    decode: |bytes| i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8,
    annotation_label: "BDF Annotations",
    names: ["BDF", "BDF+C", "BDF+D"],
};

/// Events of a trigger channel (BioSemi's `Status`): one where the low 16 bits change to a value that is not 0.
///
/// The text of an event is the decimal value; its duration lasts to the next change, and is 0 when there is none.
///
/// # Errors
/// As [`Recording::pick`] and [`Recording::read`].
pub fn triggers(recording: &Recording, channel: &str) -> Result<Vec<Annotation>> {
    let signal = recording.read(&recording.pick(&[channel])?, ..)?;
    let rate = signal.sampling_rate();
    let mut events: Vec<Annotation> = Vec::new();
    let mut last = 0;
    for (sample, value) in signal.channel(0).iter().enumerate() {
        let code = value.round() as i64 & 0xffff;
        if code == last {
            continue;
        }
        let time = sample as f64 / rate;
        if last != 0
            && let Some(event) = events.last_mut()
        {
            event.duration = time - event.onset;
        }
        if code != 0 {
            events.push(Annotation {
                onset: time,
                duration: 0.0,
                text: code.to_string(),
            });
        }
        last = code;
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_four_bit_samples() {
        for (bytes, value) in [
            ([0, 0, 0], 0),
            ([0xff, 0xff, 0xff], -1),
            ([0xff, 0xff, 0x7f], 8_388_607),
            ([0, 0, 0x80], -8_388_608),
        ] {
            assert_eq!((TWENTY_FOUR_BIT.decode)(&bytes), value);
        }
    }
}
