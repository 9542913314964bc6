//! Zero-phase filter, covariance, and files to covariances of every band.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hadamard_meeg::covariance::Estimator;
use hadamard_meeg::filter::Sos;
use hadamard_meeg::filter_bank::{Cutting, Preparation, Times};
use hadamard_meeg::{FilterBank, Signal, io};

const CHANNELS: usize = 19;
const RATE: f64 = 500.0;

/// A minute of 19 channels at 500 Hz.
fn minute() -> Signal {
    let samples = 30_000;
    let value = |i: usize| ((i * 7919 + i * i % 1013) % 2001) as f64 * 1e-7 - 1e-4;
    let names = (0..CHANNELS).map(|i| i.to_string()).collect();
    Signal::new(names, RATE, (0..CHANNELS * samples).map(value).collect()).expect("19 rows of equal length")
}

fn stages(c: &mut Criterion) {
    let signal = minute();
    let alpha = Sos::band_pass(4, 8.0, 13.0, RATE).expect("a band below 250 Hz");
    c.bench_function("filter_zero_phase/19ch_60s_500Hz", |b| {
        b.iter(|| alpha.filter_zero_phase(black_box(&signal)))
    });
    for name in ["unbiased", "ledoit-wolf", "schaefer-strimmer"] {
        let estimator: Estimator = name.parse().expect("a known name");
        let window = signal.window(0..2000).expect("2000 of 30000 samples");
        c.bench_function(&format!("covariance/{name}_19ch_4s"), |b| {
            b.iter(|| estimator.estimate(black_box(window)))
        });
    }
}

/// The 36 resting recordings beside the workspace, from EDF to window covariances in three bands.
fn files(c: &mut Criterion) {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("HADAMARD_DATA")
        .map_or(beside, PathBuf::from)
        .join("eegmat");
    let Ok(mut paths) = io::find_recordings(folder) else {
        return;
    };
    paths.retain(|path| path.to_string_lossy().contains("rest"));
    let bank = FilterBank::default();
    let cutting = Some(Cutting {
        seconds: 4.0,
        overlap: 0.0,
        peak_to_peak: None,
    });
    let mut total = Times::default();
    c.bench_function(&format!("edf_to_covariances/{}_recordings", paths.len()), |b| {
        b.iter(|| {
            let all = bank
                .recordings(&paths, &Preparation::default(), cutting)
                .expect("readable recordings");
            total = all.iter().fold(Times::default(), |sum, one| Times {
                read: sum.read + one.times.read,
                filter: sum.filter + one.times.filter,
                covariance: sum.covariance + one.times.covariance,
            });
        });
    });
    assert!(total.read > Duration::ZERO && total.filter > Duration::ZERO && total.covariance > Duration::ZERO);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = stages, files
}
criterion_main!(benches);
