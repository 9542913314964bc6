//! From files to covariances: equal to covariances made with SciPy and NumPy from the same recordings; windows; bad files.

use std::path::Path;

use hadamard_meeg::covariance::Estimator;
use hadamard_meeg::epochs::{self, Cause};
use hadamard_meeg::filter_bank::{Band, Cutting, FilterBank, Picks, Preparation};
use hadamard_meeg::io::{self, Arrays};
use hadamard_meeg::rank::{self, DEFAULT_THRESHOLD};
use hadamard_meeg::{Epochs, Error, Signal};
use proofs_tests::meeg::{MadeRecording, MadeSignal, data};
use proptest::prelude::*;

/// Volts² to microvolts².
const MICRO: f64 = 1e12;

/// Relative difference of two covariances of the same samples: the recursion of a band-pass of relative width w loses
/// about 1/w² of the digits in each of its two passes, 1e4 ulp for 4-8 Hz at 500 Hz.
const FILTERED_TWICE: f64 = 1e-11;

const CUTTING: Cutting = Cutting {
    seconds: 4.0,
    overlap: 0.0,
    peak_to_peak: None,
};

fn nineteen() -> Preparation {
    let names = "Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz";
    Preparation {
        picks: Picks::Named(names.split(' ').map(str::to_owned).collect()),
        ..Preparation::default()
    }
}

#[test]
fn window_covariances_equal_scipy() {
    let Some(folder) = data("window_covariances_equal_scipy") else {
        return;
    };
    let bank = FilterBank::default();
    for (file, subject, condition) in [
        ("Subject00_1.edf", 0, 0),
        ("Subject00_2.edf", 0, 1),
        ("Subject01_2.edf", 1, 1),
    ] {
        let ours = bank
            .recording(folder.join("raw").join(file), &nineteen(), Some(CUTTING))
            .unwrap();
        assert!(ours.rejected.is_empty() && ours.warnings.is_empty());
        for (band, covariances) in bank.bands.iter().zip(&ours.bands) {
            let arrays = Arrays::open(folder.join(format!("eegmat_epochs_{}.npz", band.name))).unwrap();
            let (subjects, conditions) = (
                arrays.integers("subject").unwrap(),
                arrays.integers("condition").unwrap(),
            );
            let theirs = arrays.symmetric("covs").unwrap();
            let rows: Vec<usize> = (0..theirs.len())
                .filter(|&i| subjects[i] == subject && conditions[i] == condition)
                .collect();
            assert_eq!(rows.len(), covariances.len(), "{file}");
            for (window, &row) in covariances.iter().zip(&rows) {
                let theirs = theirs.matrix(row);
                let error = (window * MICRO - theirs).norm() / theirs.norm();
                assert!(error < FILTERED_TWICE, "{file} {} {row}: {error:e}", band.name);
            }
        }
    }
}

#[test]
fn every_real_recording_has_its_scalp_channels() {
    let Some(folder) = data("every_real_recording_has_its_scalp_channels") else {
        return;
    };
    let paths = io::find_recordings(folder.join("eegmat")).unwrap();
    assert_eq!(paths.len(), 72);
    let expected = io::open(&paths[0]).unwrap();
    for path in &paths {
        let recording = io::open(path).unwrap();
        let scalp = recording.scalp_channels();
        assert_eq!(scalp, (0..19).collect::<Vec<_>>(), "{}", path.display());
        assert_eq!(recording.samples(), 31_000);
        assert_eq!(recording.warnings(), []);
        assert_eq!(recording.channels()[0].name, expected.channels()[0].name);
    }
    let motor = io::open(folder.join("raw/S001R04.edf")).unwrap();
    assert_eq!(motor.scalp_channels().len(), 64);
    assert_eq!(
        io::open(folder.join("raw/edfio_short_psg.edf"))
            .unwrap()
            .scalp_channels()
            .len(),
        2
    );
}

#[test]
fn cleaned_recordings_are_refused_by_name_and_rank() {
    let Some(folder) = data("cleaned_recordings_are_refused_by_name_and_rank") else {
        return;
    };
    let bank = FilterBank::new(vec![Band::new("alpha", 8.0, 13.0)]);
    let paths = io::find_recordings(folder.join("eegmat")).unwrap();
    let all = bank.recordings(&paths[..8], &nineteen(), None).unwrap();
    let mut ranks: Vec<usize> = all
        .iter()
        .map(|one| {
            rank::report(&one.bands[0].matrix(0).into_owned(), DEFAULT_THRESHOLD)
                .unwrap()
                .rank
        })
        .collect();
    ranks.sort_unstable();
    // Removing one or two components by ICA before publication left these ranks.
    assert!(ranks[0] >= 16 && ranks[0] < 19, "{ranks:?}");
    let referenced = Preparation {
        average_reference: true,
        ..nineteen()
    };
    let one = bank.recording(&paths[0], &referenced, None).unwrap();
    match rank::require_full(&one.bands[0], DEFAULT_THRESHOLD, &paths[0].display().to_string()) {
        Err(Error::RankDeficient {
            rank,
            order: 19,
            context,
            ..
        }) => {
            assert!(
                rank < 19 && context.ends_with("sub-00_task-arithmetic_eeg.edf"),
                "{context} {rank}"
            );
        }
        other => panic!("{other:?}"),
    }
}

fn wave(length: usize, seed: usize) -> Vec<i32> {
    (0..length)
        .map(|t| ((t * (seed + 3) * 7919 + t * t * 31) % 2001) as i32 - 1000)
        .collect()
}

fn made(names: &[&str], seconds: usize) -> MadeRecording {
    let records = |seed| (0..seconds).map(|r| wave(100, seed + 13 * r)).collect();
    MadeRecording::edf(
        names
            .iter()
            .enumerate()
            .map(|(i, name)| MadeSignal::eeg(name, records(i)))
            .collect(),
    )
}

#[test]
fn bad_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let bank: FilterBank = "alpha:8-13".parse().unwrap();
    let preparation = Preparation::default();
    let run = |path: &Path| bank.recording(path, &preparation, Some(CUTTING));
    let good = made(&["EEG Cz", "EEG Pz", "EEG Oz"], 9).write(folder, "good.edf");
    assert_eq!(run(&good).unwrap().bands[0].len(), 2);

    let mut flat = made(&["EEG Cz", "EEG Pz"], 9);
    flat.signals[1].records.iter_mut().for_each(|record| record.fill(7));
    let errors = [
        run(&folder.join("missing.edf")).unwrap_err(),
        run(&flat.write(folder, "flat.edf")).unwrap_err(),
        run(&made(&["Cz"], 2).write(folder, "short.edf")).unwrap_err(),
        run(&made(&["ECG ECG", "EOG left"], 9).write(folder, "heart.edf")).unwrap_err(),
    ];
    for (error, name) in errors.iter().zip(["missing.edf", "flat.edf", "short.edf", "heart.edf"]) {
        let message = error.to_string();
        assert!(message.contains(name) && message.lines().count() == 1, "{message}");
    }
    assert!(matches!(errors[1], Error::FlatChannel { .. }), "{}", errors[1]);
    assert!(matches!(errors[2], Error::TooFewSamples { .. }));

    let mut quick = FilterBank::new(vec![Band::new("alpha", 8.0, 13.0)]);
    quick.estimator = Estimator::LedoitWolf;
    let tiny = Cutting {
        seconds: 0.02,
        ..CUTTING
    };
    let error = quick.recording(&good, &preparation, Some(tiny)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooFewSamples {
                samples: 2,
                needed: 3,
                ..
            }
        ),
        "{error}"
    );

    let other = made(&["EEG Cz", "EEG Oz", "EEG Pz"], 9).write(folder, "other.edf");
    let error = bank.recordings(&[&good, &other], &preparation, None).unwrap_err();
    assert!(matches!(error, Error::ChannelMismatch { .. }), "{error}");
    assert!(
        error.to_string().contains("other.edf") && error.to_string().contains("good.edf"),
        "{error}"
    );
    let named = Preparation {
        picks: Picks::Named(vec!["cz".into(), "Fz".into()]),
        ..preparation.clone()
    };
    let error = bank.recording(&good, &named, None).unwrap_err();
    assert!(
        matches!(&error, Error::UnknownChannel { channel, .. } if channel == "Fz"),
        "{error}"
    );
    let above: FilterBank = "gamma:30-60".parse().unwrap();
    let error = above.recording(&good, &preparation, None).unwrap_err();
    assert!(
        matches!(&error, Error::Within { source, .. } if matches!(**source, Error::InvalidParameter { .. })),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.starts_with(&good.display().to_string()) && text.contains("band gamma"),
        "{text}"
    );
    let backwards = Some(Cutting {
        seconds: -1.0,
        overlap: 0.0,
        peak_to_peak: None,
    });
    let error = bank.recording(&good, &preparation, backwards).unwrap_err().to_string();
    assert!(error.starts_with(&good.display().to_string()), "{error}");
}

#[test]
fn bands_as_text() {
    let bank: FilterBank = "theta:4-8, alpha : 8-13,beta:13.5-30".parse().unwrap();
    assert_eq!(bank.bands[1], Band::new("alpha", 8.0, 13.0));
    assert_eq!(bank.bands[2].low, 13.5);
    assert_eq!(FilterBank::brain_age_benchmark().bands.len(), 7);
    for bad in [
        "",
        "alpha",
        "alpha:8",
        "alpha:13-8",
        "alpha:a-b",
        ":8-13",
        "alpha:0-4",
        "alpha:8-13,alpha:1-2",
        "x:1-inf",
    ] {
        assert!(
            matches!(bad.parse::<FilterBank>(), Err(Error::BadText { .. })),
            "{bad:?}"
        );
    }
}

#[test]
fn windows_around_events() {
    let Some(folder) = data("windows_around_events") else {
        return;
    };
    let recording = io::open(folder.join("raw/S001R04.edf")).unwrap();
    // The last half second of the file is empty; the reference covariances were made without it.
    let signal = recording.read(&recording.scalp_channels(), ..20_000 - 80).unwrap();
    let cues = epochs::event_locked(&signal, recording.annotations(), &["T1", "T2"], 0.5, 3.5).unwrap();
    assert_eq!((cues.windows.len(), cues.outside.len()), (15, 0));
    assert!(cues.windows.iter().all(|window| window.samples == 480));
    assert_eq!(cues.windows[0].start, 672 + 80);
    assert_eq!(cues.windows[0].label.as_deref(), Some("T2"));
    // 8-30 Hz covariances of these windows, made with SciPy.
    let bank = FilterBank::new(vec![Band::new("motor", 8.0, 30.0)]);
    let ours = &bank.window_covariances(&signal, &cues.windows).unwrap()[0];
    let arrays = Arrays::open(folder.join("eegmmidb_S001_64ch.npz")).unwrap();
    let (runs, theirs) = (arrays.integers("run").unwrap(), arrays.symmetric("covs").unwrap());
    let rows: Vec<usize> = (0..runs.len()).filter(|&i| runs[i] == 4).collect();
    assert_eq!(rows.len(), 15);
    for (ours, &row) in ours.iter().zip(&rows) {
        let theirs = theirs.matrix(row);
        let error = (ours * MICRO - theirs).norm() / theirs.norm();
        assert!(error < FILTERED_TWICE, "{row}: {error:e}");
    }
    // A part of the recording knows where it starts.
    let part = recording.read(&[0], 600..).unwrap();
    let later = epochs::event_locked(&part, recording.annotations(), &["T1", "T2"], 0.5, 3.5).unwrap();
    assert_eq!(later.windows[0].start, 152);
    let late = epochs::event_locked(&signal, recording.annotations(), &["T0"], -1.0, 1.0).unwrap();
    assert_eq!(late.outside, [0]);
    let none = epochs::event_locked(&signal, recording.annotations(), &["T9"], 0.0, 1.0);
    assert!(matches!(none, Err(Error::BadText { .. })));
}

#[test]
fn bad_windows_are_reported_by_number() {
    let mut samples: Vec<f64> = (0..80).map(|t| f64::from(t % 7)).collect();
    samples[12] = f64::NAN;
    samples[40 + 20..40 + 30].fill(3.0);
    samples[35] = 1e3;
    let signal = Signal::new(vec!["Cz".into(), "Pz".into()], 10.0, samples).unwrap();
    let windows = epochs::fixed_length(&signal, 1.0, 0.0).unwrap();
    let rejections = epochs::unusable(&signal, &windows, Some(100.0)).unwrap();
    let seen: Vec<_> = rejections
        .iter()
        .map(|r| (r.window, r.channel.as_str(), r.cause))
        .collect();
    assert_eq!(
        seen,
        [
            (1, "Cz", Cause::NotFinite),
            (2, "Pz", Cause::Flat),
            (3, "Cz", Cause::PeakToPeak(999.0))
        ]
    );
    let kept = epochs::keep(&windows, &rejections);
    assert_eq!(kept.len(), 1);
    assert_eq!(
        Epochs::cut(&signal, &kept).unwrap().epoch(0).channel(1),
        signal.window(0..10).unwrap().channel(1)
    );
    assert!(matches!(
        signal.check_finite("x.edf"),
        Err(Error::BadSample { sample: 12, .. })
    ));
    for (seconds, overlap) in [(0.0, 0.0), (f64::NAN, 0.0), (1.0, 1.0), (1.0, -0.1), (1.0, f64::NAN)] {
        assert!(matches!(
            epochs::fixed_length(&signal, seconds, overlap),
            Err(Error::InvalidParameter { .. })
        ));
    }
    assert!(matches!(
        epochs::fixed_length(&signal, 1e9, 0.0),
        Err(Error::TooFewSamples { .. })
    ));
}

proptest! {
    /// Windows tile the signal: equal lengths, equal steps, none leaves it, and no further one would fit.
    #[test]
    fn windows_tile(
        (length, step, samples) in (1..60_usize).prop_flat_map(|length| (Just(length), 1..=length, length..500)),
    ) {
        let signal = Signal::new(vec!["Cz".into()], 10.0, vec![0.0; samples]).unwrap();
        let seconds = length as f64 / 10.0;
        let windows = epochs::fixed_length(&signal, seconds, seconds - step as f64 / 10.0).unwrap();
        for (i, window) in windows.iter().enumerate() {
            prop_assert_eq!((window.start, window.samples), (i * step, length));
        }
        let next = windows.len() * step + length;
        prop_assert!(next > samples && next - step <= samples);
    }
}
