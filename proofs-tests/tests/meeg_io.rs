//! Readers: values of MNE-Python and pyedflib on real files, made files with every irregularity, damaged files.

use std::path::Path;

use hadamard_meeg::Error;
use hadamard_meeg::io::{self, Arrays, Recording, Warning, bdf};
use proofs_tests::meeg::{MadeRecording, MadeSignal, data};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    n_channels: usize,
    sfreq: f64,
    n_samples: usize,
    channels: Vec<String>,
    first: Vec<Vec<f64>>,
    mean: Vec<f64>,
    std: Vec<f64>,
    n_annotations: usize,
    annotations: Vec<(f64, f64, String)>,
}

#[derive(Deserialize)]
struct Edflib {
    channels: Vec<EdflibChannel>,
    annotations: Vec<(f64, f64, String)>,
    n_annotations: usize,
}

#[derive(Deserialize)]
struct EdflibChannel {
    label: String,
    unit: String,
    rate: f64,
    samples: usize,
    index: Vec<usize>,
    value: Vec<f64>,
    absolute_sum: f64,
    range: [f64; 2],
}

fn is_edf_or_bdf(name: &str) -> bool {
    name.ends_with(".edf") || name.ends_with(".bdf")
}

/// One unit in the last place of the physical range: what scaling in another order of operations may change.
fn ulp(range: f64) -> f64 {
    range * f64::EPSILON
}

#[test]
fn values_equal_mne() {
    let Some(folder) = data("values_equal_mne") else { return };
    let text = std::fs::read_to_string(folder.join("raw_reference.json")).unwrap();
    let all: std::collections::BTreeMap<String, Reference> = serde_json::from_str(&text).unwrap();
    let mut files = 0;
    for (name, reference) in all.iter().filter(|(name, _)| is_edf_or_bdf(name)) {
        files += 1;
        let recording = io::open(folder.join("raw").join(name)).unwrap();
        assert_eq!(recording.channels().len(), reference.n_channels, "{name}");
        assert_eq!(recording.sampling_rate(), reference.sfreq, "{name}");
        assert_eq!(recording.samples(), reference.n_samples, "{name}");
        assert_eq!(recording.warnings(), [], "{name}");
        assert_eq!(recording.annotations().len(), reference.n_annotations, "{name}");
        for (ours, (onset, duration, text)) in recording.annotations().iter().zip(&reference.annotations) {
            assert!((ours.onset - onset).abs() < 1e-6, "{name}: {ours:?} at {onset}");
            assert!(
                (ours.duration - duration).abs() < 1e-6 && ours.text == *text,
                "{name}: {ours:?}"
            );
        }
        for (i, label) in reference.channels.iter().enumerate() {
            let channel = &recording.channels()[i];
            assert_eq!(&channel.label, label, "{name}");
            // Channels of a lower rate were interpolated by the reference; temperatures were left in their unit.
            if channel.sampling_rate != reference.sfreq || !channel.is_voltage() {
                continue;
            }
            let signal = recording.read(&[i], ..).unwrap();
            let x = signal.channel(0);
            let largest = x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            if let Some(first) = reference.first.get(i) {
                for (ours, theirs) in x.iter().zip(first) {
                    assert!(
                        (ours - theirs).abs() <= ulp(largest),
                        "{name} {label}: {ours:e} against {theirs:e}"
                    );
                }
            }
            let n = x.len() as f64;
            let mean = x.iter().sum::<f64>() / n;
            let std = (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
            // Sums of n terms in another order.
            assert!((mean - reference.mean[i]).abs() < n * ulp(largest), "{name} {label}");
            assert!((std - reference.std[i]).abs() < n * ulp(largest), "{name} {label}");
        }
    }
    assert_eq!(files, 12);
}

#[test]
fn values_equal_edflib() {
    let Some(folder) = data("values_equal_edflib") else {
        return;
    };
    let values = Path::new(env!("CARGO_MANIFEST_DIR")).join("values/meeg_io.json");
    let all: std::collections::BTreeMap<String, Edflib> =
        serde_json::from_str(&std::fs::read_to_string(values).unwrap()).unwrap();
    assert_eq!(all.len(), 11);
    for (name, golden) in &all {
        let recording = io::open(folder.join("raw").join(name)).unwrap();
        assert_eq!(recording.annotations().len(), golden.n_annotations, "{name}");
        for (ours, (onset, duration, text)) in recording.annotations().iter().zip(&golden.annotations) {
            // Onsets there are whole multiples of 100 ns; no duration is −1.
            assert!(
                (ours.onset - onset).abs() <= 1.01e-7 && ours.text == *text,
                "{name}: {ours:?}"
            );
            assert!((ours.duration - duration.max(0.0)).abs() <= 1.01e-7, "{name}: {ours:?}");
        }
        for golden in &golden.channels {
            let index = recording
                .channels()
                .iter()
                .position(|channel| channel.label == golden.label)
                .unwrap();
            let channel = &recording.channels()[index];
            assert_eq!(channel.unit, golden.unit, "{name}");
            assert_eq!(channel.sampling_rate, golden.rate, "{name}");
            let signal = recording.read(&[index], ..).unwrap();
            let x = signal.channel(0);
            assert_eq!(x.len(), golden.samples, "{name}");
            // Two ulp of the range: that library scales (digital + offset) · gain with a rounded offset.
            let tolerance = 2.0 * ulp((golden.range[1] - golden.range[0]).abs()) * channel.to_si;
            for (&t, value) in golden.index.iter().zip(&golden.value) {
                let theirs = value * channel.to_si;
                assert!(
                    (x[t] - theirs).abs() <= tolerance,
                    "{name} {} {t}: {} {theirs}",
                    golden.label,
                    x[t]
                );
                // Reading one sample alone gives the same bits.
                assert_eq!(recording.read(&[index], t..=t).unwrap().channel(0), [x[t]]);
            }
            // Two sums of n terms in different orders: n roundings of the sum.
            let (sum, theirs) = (
                x.iter().map(|x| x.abs()).sum::<f64>(),
                golden.absolute_sum * channel.to_si,
            );
            assert!(
                (sum - theirs).abs() <= x.len() as f64 * ulp(theirs),
                "{name} {}",
                golden.label
            );
        }
    }
}

#[test]
fn a_text_mode_copy_is_recognised() {
    let directory = tempfile::tempdir().unwrap();
    // Samples of 10 are LF NUL.
    let made = MadeRecording::edf(vec![MadeSignal::eeg("Cz", vec![vec![10, 7, 10, 3]; 5])]);
    let damaged: Vec<u8> = made
        .bytes()
        .iter()
        .flat_map(|&b| if b == b'\n' { vec![b'\r', b'\n'] } else { vec![b] })
        .collect();
    let path = directory.path().join("damaged.edf");
    std::fs::write(&path, damaged).unwrap();
    let error = io::open(&path).unwrap_err();
    assert!(
        matches!(error, Error::TextModeTransfer { line_feeds: 10, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("damaged.edf"));
}

fn open_bytes(bytes: &[u8], name: &str) -> Result<Recording, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let recording = io::open(&path)?;
    // Read while the file is there; a recording keeps no samples.
    for index in 0..recording.channels().len() {
        let signal = recording.read(&[index], 0..recording.channels()[index].samples.min(1))?;
        assert!(signal.samples() <= 1);
    }
    Ok(recording)
}

#[test]
fn different_rates_units_and_a_decimal_comma() {
    let directory = tempfile::tempdir().unwrap();
    let fast = MadeSignal::eeg(
        "EEG Cz-REF",
        (0..3).map(|r| (0..8).map(|t| r * 8 + t).collect()).collect(),
    );
    let mut slow = MadeSignal::eeg("EEG Pz", (0..3).map(|r| vec![-r, 100 * r]).collect());
    slow.unit = "mV";
    let mut temperature = MadeSignal::eeg("Temp", vec![vec![0, 1]; 3]);
    temperature.unit = "DegC";
    let mut magnetometer = MadeSignal::eeg("MEG 0111", (0..3).map(|r| vec![-r, 100 * r]).collect());
    magnetometer.unit = "fT";
    let mut gradiometer = MadeSignal::eeg("MEG 0112", (0..3).map(|r| vec![-r, 100 * r]).collect());
    gradiometer.unit = "fT/cm";
    let mut made = MadeRecording::edf(vec![fast, slow, temperature, magnetometer, gradiometer]);
    made.record_seconds = "0,5";
    let recording = io::open(made.write(directory.path(), "rates.edf")).unwrap();
    let rates: Vec<f64> = recording
        .channels()
        .iter()
        .map(|channel| channel.sampling_rate)
        .collect();
    assert_eq!(rates, [16.0, 4.0, 4.0, 4.0, 4.0]);
    assert_eq!(recording.duration(), 1.5);
    assert_eq!(recording.channels()[0].name, "Cz");
    let signal = recording.read(&recording.pick(&["cz"]).unwrap(), 6..20).unwrap();
    assert_eq!(signal.start(), 6.0 / 16.0);
    for (t, x) in signal.channel(0).iter().enumerate() {
        assert!((x - (6 + t) as f64 * 1e-7).abs() < ulp(6.6e-3), "{t}: {x}");
    }
    let slow = recording.read(&[1], ..).unwrap();
    for (x, digital) in slow.channel(0).iter().zip([0.0, 0.0, -1.0, 100.0, -2.0, 200.0]) {
        assert!((x - digital * 1e-4).abs() < ulp(6.6));
    }
    // Teslas and teslas a metre: no EEG, but SI.
    let fields = recording.read(&[3, 4], ..).unwrap();
    for (channel, factor) in [(0, 1e-16), (1, 1e-14)] {
        for (x, digital) in fields.channel(channel).iter().zip([0.0, 0.0, -1.0, 100.0, -2.0, 200.0]) {
            assert!((x - digital * factor).abs() < ulp(6.6e3 * factor), "{x:e}");
        }
        assert!(!recording.channels()[3 + channel].is_voltage());
    }
    assert_eq!(recording.scalp_channels(), [0]);
    assert!(matches!(recording.read(&[0, 1], ..), Err(Error::MixedRates { .. })));
    assert!(matches!(recording.read(&[0], ..25), Err(Error::OutOfRange { .. })));
    assert!(matches!(recording.read(&[5], ..), Err(Error::UnknownChannel { .. })));
    assert!(matches!(recording.read(&[], ..), Err(Error::Empty { .. })));
    assert!(matches!(recording.pick(&["Oz"]), Err(Error::UnknownChannel { .. })));
}

#[test]
fn interruptions_are_reported_and_not_read_over() {
    let directory = tempfile::tempdir().unwrap();
    let stamps: [&[u8]; 4] = [
        b"+5\x14\x14\x00",
        b"+6\x14\x14\x00+6.25\x150.5\x14eyes closed\x14\x00",
        b"+17\x14\x14\x00",
        b"+18\x14\x14\x00",
    ];
    let eeg = MadeSignal::eeg("Cz", (0..4).map(|r| vec![r; 10]).collect());
    let mut made = MadeRecording::edf(vec![eeg, MadeSignal::annotations(&stamps, 20)]);
    made.reserved = "EDF+D";
    let recording = io::open(made.write(directory.path(), "gap.edf")).unwrap();
    assert_eq!(recording.format(), "EDF+D");
    assert_eq!(
        recording.gaps(),
        [io::Gap {
            sample: 20,
            seconds: 10.0
        }]
    );
    assert_eq!(recording.segments(), [0..20, 20..40]);
    let annotation = &recording.annotations()[0];
    assert_eq!(
        (annotation.onset, annotation.duration, annotation.text.as_str()),
        (1.25, 0.5, "eyes closed")
    );
    let error = recording.read(&[0], ..).unwrap_err();
    assert!(matches!(error, Error::Discontinuous { sample: 20, .. }), "{error}");
    assert_eq!(recording.read(&[0], 20..).unwrap().start(), 12.0);
    made.reserved = "EDF+C";
    let recording = io::open(made.write(directory.path(), "continuous.edf")).unwrap();
    assert_eq!(recording.gaps(), []);
    assert_eq!(recording.read(&[0], ..).unwrap().samples(), 40);
}

#[test]
fn a_cut_last_record_is_tolerated() {
    let made = MadeRecording::edf(vec![MadeSignal::eeg("Cz", vec![vec![1; 10]; 4])]);
    let bytes = made.bytes();
    let recording = open_bytes(&bytes[..bytes.len() - 3], "cut.edf").unwrap();
    assert_eq!(recording.samples(), 30);
    let cut = Warning::TruncatedData {
        declared: 4,
        present: 3,
        leftover_bytes: 17,
    };
    assert_eq!(recording.warnings(), [cut]);
    let recording = open_bytes(&[&bytes[..], b"tail"].concat(), "long.edf").unwrap();
    assert_eq!(recording.warnings(), [Warning::TrailingBytes { bytes: 4 }]);
    assert_eq!(recording.samples(), 40);
    let mut unknown = made;
    unknown.declared = -1;
    assert_eq!(open_bytes(&unknown.bytes(), "unknown.edf").unwrap().samples(), 40);
}

#[test]
fn triggers_of_a_status_channel() {
    let directory = tempfile::tempdir().unwrap();
    let mut status = MadeSignal::eeg("Status", vec![vec![0, 0, 5, 5, 0x01_0000, 0x10_0007, 7, 9]]);
    status.unit = "Boolean";
    status.physical = [-8_388_608.0, 8_388_607.0];
    status.digital = [-8_388_608, 8_388_607];
    let mut made = MadeRecording::edf(vec![status]);
    made.bdf = true;
    made.reserved = "24BIT";
    let recording = io::open(made.write(directory.path(), "status.bdf")).unwrap();
    assert_eq!(recording.format(), "BDF");
    let events = bdf::triggers(&recording, "status").unwrap();
    let seen: Vec<_> = events.iter().map(|e| (e.onset, e.duration, e.text.as_str())).collect();
    assert_eq!(seen, [(0.25, 0.25, "5"), (0.625, 0.25, "7"), (0.875, 0.0, "9")]);
}

#[test]
fn hostile_headers() {
    let made = MadeRecording::edf(vec![
        MadeSignal::eeg("Cz", vec![vec![1; 10]; 4]),
        MadeSignal::eeg("Pz", vec![vec![1; 10]; 4]),
    ]);
    let bytes = made.bytes();
    let replaced = |offset: usize, text: &str| {
        let mut bytes = bytes.clone();
        let field = format!("{text:<8}");
        bytes[offset..offset + field.len()].copy_from_slice(field.as_bytes());
        open_bytes(&bytes, "bad.edf").unwrap_err()
    };
    let signals = 256;
    let (p_min, p_max, d_min, d_max) = (
        signals + 2 * 104,
        signals + 2 * 112,
        signals + 2 * 120,
        signals + 2 * 128,
    );
    let per_record = signals + 2 * 216;
    for (offset, text, part) in [
        (d_min, "32767", "digital range of channel \"Cz\""),
        (d_max + 8, "nan", "digital maximum of channel \"Pz\""),
        (p_min, "inf", "physical minimum of channel \"Cz\""),
        (p_max, "-3276.8", "physical range of channel \"Cz\""),
        (p_max, "12a", "physical maximum"),
        (per_record, "0", "samples per record of channel \"Cz\""),
        (per_record, "-5", "samples per record"),
        (184, "257", "header bytes"),
        (236, "0", "number of records"),
        (236, "-2", "number of records"),
        (244, "0", "record duration"),
        (244, "nan", "record duration"),
        (244, "1e999", "record duration"),
    ] {
        let error = replaced(offset, text);
        assert!(matches!(error, Error::Header { .. }), "{text}: {error}");
        let message = error.to_string();
        assert!(message.contains(part) && message.contains("bad.edf"), "{message}");
        assert!(!message.contains('\n'));
    }
    // A record of 100 MB, declared a hundred million times: nothing is allocated for it.
    let error = replaced(per_record, "99999999");
    assert!(matches!(error, Error::NoData { found: 160, .. }), "{error}");
    for length in [0, 3] {
        assert!(matches!(
            open_bytes(&bytes[..length], "short.dat"),
            Err(Error::UnknownFormat { .. })
        ));
    }
    for length in [3, 255, 256, 700] {
        let error = open_bytes(&bytes[..length], "short.edf").unwrap_err();
        assert!(matches!(error, Error::TruncatedHeader { .. }), "{error}");
    }
}

#[test]
fn hostile_paths() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(
        io::open(directory.path().join("missing.edf")),
        Err(Error::Io { .. })
    ));
    assert!(matches!(io::open(directory.path()), Err(Error::Io { .. })));
    assert!(matches!(
        io::find_recordings(directory.path()),
        Err(Error::NoRecordings { .. })
    ));
    assert!(matches!(
        io::find_recordings(directory.path().join("none")),
        Err(Error::Io { .. })
    ));
    std::fs::write(directory.path().join("notes.txt"), "hello").unwrap();
    assert!(matches!(
        io::open(directory.path().join("notes.txt")),
        Err(Error::UnknownFormat { .. })
    ));
    let made = MadeRecording::edf(vec![MadeSignal::eeg("Cz", vec![vec![1; 10]; 2])]);
    made.write(directory.path(), "b.EDF");
    made.write(directory.path(), "a.edf");
    let found = io::find_recordings(directory.path()).unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["a.edf", "b.EDF"]);
}

#[test]
fn real_arrays() {
    let Some(folder) = data("real_arrays") else { return };
    let arrays = Arrays::open(folder.join("eegmat_epochs_alpha.npz")).unwrap();
    assert_eq!(arrays.names(), ["condition", "covs", "epoch", "subject"]);
    assert_eq!(arrays.array("covs").unwrap().shape, [2134, 19, 19]);
    let subject = arrays.integers("subject").unwrap();
    assert_eq!((subject.len(), subject.iter().max()), (2134, Some(&35)));
    assert_eq!(arrays.symmetric("covs").unwrap().len(), 2134);
    assert!(matches!(arrays.array("nothing"), Err(Error::Array { .. })));
    assert!(matches!(arrays.covariances("subject"), Err(Error::Array { .. })));
    let motor = Arrays::open(folder.join("eegmmidb_S001_21ch.npz")).unwrap();
    let covariances = motor.covariances("covs").unwrap();
    assert_eq!((covariances.len(), covariances.order()), (180, 21));
}

/// A `.npy` of version 1 with the given header.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn open_npy(bytes: &[u8]) -> Result<io::npy::Array, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    std::fs::write(&path, bytes).unwrap();
    Arrays::open(path)?.array("")
}

#[test]
fn array_types_and_orders() {
    let doubles: Vec<u8> = (0..6).flat_map(|x| f64::from(x).to_le_bytes()).collect();
    assert_eq!(
        open_npy(&npy("<f8", false, "(2, 3)", &doubles)).unwrap().data,
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    );
    let fortran = open_npy(&npy("<f8", true, "(2, 3)", &doubles)).unwrap();
    assert_eq!(fortran.data, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    assert_eq!(
        open_npy(&npy(">i2", false, "(2,)", &[0xff, 0xfe, 1, 0])).unwrap().data,
        [-2.0, 256.0]
    );
    assert_eq!(
        open_npy(&npy("|u1", false, "(2,)", &[0xff, 3])).unwrap().data,
        [255.0, 3.0]
    );
    assert_eq!(open_npy(&npy("|b1", false, "(2,)", &[0, 1])).unwrap().data, [0.0, 1.0]);
    assert_eq!(
        open_npy(&npy("<f4", false, "()", &1.5_f32.to_le_bytes())).unwrap().data,
        [1.5]
    );
    assert_eq!(
        open_npy(&npy("<i8", false, "(1,)", &(-7_i64).to_le_bytes()))
            .unwrap()
            .data,
        [-7.0]
    );
    for bad in [
        npy("<f8", false, "(2, 4)", &doubles),
        npy("<f8", false, "(999999999999, 999999999999)", &doubles),
        npy("<f8", false, "(99999999999999999999999,)", &doubles),
        npy("|O", false, "(6,)", &doubles),
        npy("<U3", false, "(4,)", &doubles),
        npy("<f8", false, "6", &doubles),
        npy("", false, "(6,)", &doubles),
        b"\x93NUMPY\x09\x00\x00\x00".to_vec(),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
        b"\x93NUMPY".to_vec(),
    ] {
        assert!(matches!(open_npy(&bad), Err(Error::Array { .. })));
    }
    assert!(matches!(
        open_npy(b"PK\x03\x04 no zip"),
        Err(Error::UnknownFormat { .. })
    ));
}

fn any_recording() -> impl Strategy<Value = MadeRecording> {
    (1..4_usize, 1..4_usize, 1..20_usize, any::<bool>(), any::<bool>()).prop_map(
        |(count, records, samples, bdf, plus)| {
            let signal = |i: usize| {
                let digital = |r: usize, t: usize| (31 * (i + 1) * (r * samples + t)) as i32 - 200;
                MadeSignal::eeg(
                    &format!("E{i}"),
                    (0..records)
                        .map(|r| (0..samples * (i + 1)).map(|t| digital(r, t)).collect())
                        .collect(),
                )
            };
            let mut signals: Vec<MadeSignal> = (0..count).map(signal).collect();
            if plus && !bdf {
                let stamps: Vec<Vec<u8>> = (0..records)
                    .map(|r| format!("+{r}\x14\x14\0+{r}.5\x14x\x14\0").into_bytes())
                    .collect();
                let stamps: Vec<&[u8]> = stamps.iter().map(Vec::as_slice).collect();
                signals.push(MadeSignal::annotations(&stamps, 12));
            }
            let mut made = MadeRecording::edf(signals);
            made.bdf = bdf;
            made.reserved = if bdf { "24BIT" } else { "EDF+D" };
            made
        },
    )
}

proptest! {
    /// Every sample of every channel comes back, and any part of it, whatever else is in the records.
    #[test]
    fn what_is_written_is_read(made in any_recording(), from in 0.0..1.0_f64, to in 0.0..1.0_f64) {
        let directory = tempfile::tempdir().unwrap();
        let recording = io::open(made.write(directory.path(), "made.dat")).unwrap();
        for (index, channel) in recording.channels().iter().enumerate() {
            let digital = made.signals[index].records.concat();
            prop_assert_eq!(channel.samples, digital.len());
            let all = recording.read(&[index], ..).unwrap();
            for (x, digital) in all.channel(0).iter().zip(&digital) {
                prop_assert!((x - f64::from(*digital) * 1e-7).abs() <= ulp(6.6e-3));
            }
            let ends = [(from * channel.samples as f64) as usize, (to * channel.samples as f64) as usize];
            let range = ends[0].min(ends[1])..ends[0].max(ends[1]);
            let part = recording.read(&[index], range.clone()).unwrap();
            prop_assert_eq!(part.as_slice(), &all.as_slice()[range]);
        }
    }

    /// Damaged bytes give a recording or a typed one-line error, never a panic, and never more samples than the file
    /// has bytes for.
    #[test]
    fn damaged_files_do_not_panic(
        made in any_recording(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        header in prop::collection::vec((0..1280_usize, prop::sample::select(b"0123456789-+.,eEnN \0\xff".to_vec())), 0..6),
        keep in 0.0..1.2_f64,
    ) {
        let mut bytes = made.bytes();
        for (index, value) in damage {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        for (index, value) in header {
            if index > 8 && index < bytes.len() {
                bytes[index] = value;
            }
        }
        bytes.truncate((keep * bytes.len() as f64) as usize);
        match open_bytes(&bytes, "damaged.edf") {
            Ok(recording) => {
                let samples: usize = recording.channels().iter().map(|channel| channel.samples).sum();
                prop_assert!(2 * samples <= bytes.len());
            }
            Err(error) => prop_assert!(error.to_string().lines().count() == 1),
        }
    }

    /// The same for arrays.
    #[test]
    fn damaged_arrays_do_not_panic(
        damage in prop::collection::vec((0..120_usize, any::<u8>()), 1..8),
        keep in 0..140_usize,
    ) {
        let mut bytes = npy("<f8", false, "(2, 3)", &[0; 48]);
        for (index, value) in damage {
            if let Some(byte) = bytes.get_mut(index) {
                *byte = value;
            }
        }
        bytes.truncate(keep);
        if let Ok(array) = open_npy(&bytes) {
            prop_assert!(array.data.len() <= bytes.len());
        }
    }
}
