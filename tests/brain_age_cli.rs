//! The example `brain_age` as a user runs it: what it prints, what it writes, and how it refuses bad input.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const NAMES: [&str; 4] = ["Fz", "Cz", "Pz", "Oz"];
const RATE: usize = 100;

/// The example beside this test's own binary; `cargo test` builds both, `cargo test --test` this one alone.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let target = here.parent().and_then(Path::parent).unwrap();
    let program = target
        .join("examples")
        .join(format!("brain_age{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "build it first: cargo build --example brain_age");
    program
}

fn run(arguments: &[&str]) -> Output {
    Command::new(program())
        .args(arguments)
        .args(["--threads", "2"])
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The bytes of an EDF file with 16-bit samples of ±100 uV; `samples[channel]`, `per_record` samples a record.
fn edf(names: &[&str], per_record: usize, samples: &[Vec<i16>]) -> Vec<u8> {
    let channels = names.len();
    let records = samples[0].len() / per_record;
    let mut header = format!(
        "{:<8}{:<80}{:<80}{:<8}{:<8}{:<8}{:<44}{:<8}{:<8}{:<4}",
        "0",
        "X X X X",
        "Startdate X X X X",
        "01.01.00",
        "00.00.00",
        256 * (channels + 1),
        "",
        records,
        per_record as f64 / RATE as f64,
        channels
    );
    let mut field = |width: usize, value: &dyn Fn(usize) -> String| {
        for channel in 0..channels {
            header += &format!("{:<width$}", value(channel));
        }
    };
    field(16, &|channel| format!("EEG {}", names[channel]));
    field(80, &|_| String::new());
    field(8, &|_| "uV".into());
    field(8, &|_| "-100".into());
    field(8, &|_| "100".into());
    field(8, &|_| "-32768".into());
    field(8, &|_| "32767".into());
    field(80, &|_| String::new());
    field(8, &|_| per_record.to_string());
    field(32, &|_| String::new());
    let mut bytes = header.into_bytes();
    assert_eq!(bytes.len(), 256 * (channels + 1));
    for record in 0..records {
        for channel in samples {
            for sample in &channel[record * per_record..(record + 1) * per_record] {
                bytes.extend_from_slice(&sample.to_le_bytes());
            }
        }
    }
    bytes
}

/// Uncorrelated noise of some amplitude, another for every seed (a linear congruential generator of 64 bits).
fn noise(seed: u64, amplitude: f64, count: usize) -> Vec<i16> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64 - 0.5
    };
    (0..count).map(|_| (amplitude * draw()) as i16).collect()
}

fn recording(person: u64) -> Vec<Vec<i16>> {
    let amplitude = 2000.0 * (1.0 + person as f64);
    (0..4)
        .map(|channel| noise(10 * person + channel, amplitude, 8 * RATE))
        .collect()
}

/// A folder of six people with two recordings each, `participants.tsv` and `recordings.tsv`.
fn study() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut people = String::from("participant_id\tage\tfile\n");
    let mut all = String::from("participant_id\tage\tfile\tcondition\n");
    for person in 0..6u64 {
        let age = 20 + 8 * person;
        for (condition, shift) in [("rest", 0), ("task", 100)] {
            let file = format!("sub-{person}_{condition}.edf");
            std::fs::write(folder.path().join(&file), edf(&NAMES, RATE, &recording(person + shift))).unwrap();
            all += &format!("sub-{person}\t{age}\t{file}\t{condition}\n");
        }
        people += &format!("sub-{person}\t{age}\tsub-{person}_rest.edf\n");
    }
    std::fs::write(folder.path().join("participants.tsv"), people).unwrap();
    std::fs::write(folder.path().join("recordings.tsv"), all).unwrap();
    folder
}

/// Runs on the folder; it must refuse in one line that contains all of `expected`, with status 2, and write nothing.
fn assert_refused(folder: &Path, more: &[&str], expected: &[&str]) {
    let out = folder.join("pictures");
    let mut arguments = vec!["--data", folder.to_str().unwrap(), "--out", out.to_str().unwrap()];
    if !more.contains(&"--folds") {
        arguments.extend(["--folds", "3"]);
    }
    arguments.extend_from_slice(more);
    let output = run(&arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    assert!(message.starts_with("brain_age: "), "{message}");
    for part in expected {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert!(output.stdout.is_empty() && !out.exists(), "{message}");
}

#[test]
fn simulated_cohort_gives_a_table_and_pictures() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("deep").join("pictures");
    let output = run(&[
        "--simulate",
        "spread",
        "--subjects",
        "24",
        "--folds",
        "4",
        "--out",
        path.to_str().unwrap(),
    ]);
    let table = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in [
        "simulated",
        "seed 0",
        "R2",
        "MAE",
        "seconds",
        "dummy",
        "log-power",
        "sliced-wasserstein",
    ] {
        assert!(table.contains(part), "{table}");
    }
    let mut written: Vec<String> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    let expected =
        ["cohort_size", "pattern", "predicted_vs_true"].map(|name| [".png", ".svg"].map(|end| format!("{name}{end}")));
    assert_eq!(written, expected.concat());
}

#[test]
fn json_has_the_models_and_their_scores_and_no_other_output() {
    let out = tempfile::tempdir().unwrap();
    let at = out.path().to_str().unwrap();
    let output = run(&["--json", "--subjects", "20", "--folds", "4", "--seed", "3", "--out", at]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let models = object["models"].as_array().unwrap();
    let names: Vec<&str> = models.iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "dummy",
            "log-power",
            "log-euclidean",
            "affine-invariant",
            "sliced-wasserstein"
        ]
    );
    for model in models {
        assert!(model["r2"].is_f64() && model["mae"].is_f64() && model["seconds"].is_f64());
        assert_eq!(model["r2_folds"].as_array().unwrap().len(), 4);
    }
    assert_eq!(object["cohort"]["people"], 20);
    // The same seed gives the same scores, another one others; one model alone scores as among the rest.
    let again = run(&[
        "--json",
        "--subjects",
        "20",
        "--folds",
        "4",
        "--seed",
        "3",
        "--metric",
        "log-euclidean",
        "--out",
        at,
    ]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["models"].as_array().unwrap().len(), 2);
    assert_eq!(again["models"][1]["r2"], models[2]["r2"]);
    let other = run(&[
        "--json",
        "--subjects",
        "20",
        "--folds",
        "4",
        "--seed",
        "4",
        "--metric",
        "log-euclidean",
        "--out",
        at,
    ]);
    let other: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_ne!(other["models"][1]["r2"], models[2]["r2"]);
}

#[test]
fn recordings_of_a_folder_give_ages_and_labels() {
    let folder = study();
    let data = folder.path().to_str().unwrap();
    let out = folder.path().join("pictures");
    let base = ["--data", data, "--folds", "3", "--json", "--out", out.to_str().unwrap()];
    let output = run(&[&base[..], &["--verbose"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("recordings to covariances"));
    let ages: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ages["cohort"]["bands"], serde_json::json!(["theta", "alpha", "beta"]));
    assert_eq!(ages["cohort"]["channels"], serde_json::json!(["Fz", "Cz", "Pz", "Oz"]));
    // Power grows with age by construction.
    assert!(ages["models"][1]["r2"].as_f64().unwrap() > 0.5, "{ages}");
    let table = folder.path().join("recordings.tsv");
    let label = [
        "--table",
        table.to_str().unwrap(),
        "--classify",
        "condition",
        "--recenter",
        "--bands",
        "alpha,20-30",
    ];
    let output = run(&[&base[..], &label].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let labels: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(labels["cohort"]["bands"], serde_json::json!(["alpha", "20-30"]));
    assert_eq!(labels["cohort"]["recordings"], 12);
    for model in labels["models"].as_array().unwrap() {
        assert!(model["balanced_accuracy"].is_f64() && model.get("r2").is_none() && model.get("mae").is_none());
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    let folder = study();
    std::fs::remove_file(folder.path().join("sub-4_rest.edf")).unwrap();
    assert_refused(folder.path(), &[], &["sub-4_rest.edf", "no such file"]);
}

#[test]
fn a_folder_without_recordings_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(folder.path(), &[], &[folder.path().to_str().unwrap(), "no recordings"]);
}

#[test]
fn a_folder_without_a_table_is_named() {
    let folder = study();
    std::fs::remove_file(folder.path().join("participants.tsv")).unwrap();
    assert_refused(folder.path(), &[], &["participants.tsv", "No such file"]);
}

#[test]
fn a_truncated_header_is_named() {
    let folder = study();
    let path = folder.path().join("sub-2_rest.edf");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..700]).unwrap();
    assert_refused(folder.path(), &[], &["sub-2_rest.edf", "truncated header"]);
    std::fs::write(&path, b"").unwrap();
    assert_refused(folder.path(), &[], &["sub-2_rest.edf"]);
}

#[test]
fn a_flat_channel_is_named() {
    let folder = study();
    let mut samples = recording(3);
    samples[2] = vec![17; 8 * RATE];
    std::fs::write(folder.path().join("sub-3_rest.edf"), edf(&NAMES, RATE, &samples)).unwrap();
    assert_refused(folder.path(), &[], &["sub-3_rest.edf", "Pz", "flat"]);
}

#[test]
fn other_channels_are_named() {
    let folder = study();
    let names = ["Fz", "Cz", "Pz", "T7"];
    std::fs::write(folder.path().join("sub-5_rest.edf"), edf(&names, RATE, &recording(5))).unwrap();
    assert_refused(folder.path(), &[], &["sub-5_rest.edf", "sub-0_rest.edf", "Oz"]);
}

#[test]
fn fewer_samples_than_channels_are_named() {
    let folder = study();
    let samples: Vec<Vec<i16>> = recording(1).iter().map(|channel| channel[..3].to_vec()).collect();
    std::fs::write(folder.path().join("sub-1_rest.edf"), edf(&NAMES, 3, &samples)).unwrap();
    assert_refused(folder.path(), &[], &["sub-1_rest.edf", "3 samples", "4"]);
}

/// A `.npy` of version 1.0 with little-endian doubles.
fn npy(shape: &str, data: &[f64]) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
    let width = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(width as u16).to_le_bytes());
    bytes.extend_from_slice(format!("{header:<fill$}\n", fill = width - 1).as_bytes());
    data.iter()
        .for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    bytes
}

/// Six people whose recordings are arrays of epochs, 3 windows x 2 channels x 50 samples.
fn arrays() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from("participant_id\tage\n");
    for person in 0..6u64 {
        let data: Vec<f64> = noise(person, 3e4, 300).iter().map(|&x| f64::from(x) * 1e-9).collect();
        std::fs::write(folder.path().join(format!("sub-{person}.npy")), npy("3, 2, 50", &data)).unwrap();
        table += &format!("sub-{person}\t{}\n", 30 + person);
    }
    std::fs::write(folder.path().join("participants.tsv"), table).unwrap();
    folder
}

#[test]
fn arrays_of_epochs_are_read_and_bad_samples_named() {
    let folder = arrays();
    let out = folder.path().join("ok");
    let output = run(&[
        "--data",
        folder.path().to_str().unwrap(),
        "--folds",
        "3",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut data = vec![1e-6; 300];
    data[123] = f64::NAN;
    std::fs::write(folder.path().join("sub-3.npy"), npy("3, 2, 50", &data)).unwrap();
    assert_refused(folder.path(), &[], &["sub-3.npy", "NaN"]);
    std::fs::write(folder.path().join("sub-3.npy"), npy("3, 10, 8", &[1e-6; 240])).unwrap();
    assert_refused(
        folder.path(),
        &[],
        &["sub-3.npy", "8 samples", "fewer than its 10 channels"],
    );
}

#[test]
fn a_missing_age_and_a_lone_person_are_named() {
    let folder = study();
    let table = folder.path().join("participants.tsv");
    let good = std::fs::read_to_string(&table).unwrap();
    std::fs::write(&table, good.replace("sub-3\t44", "sub-3\tn/a")).unwrap();
    assert_refused(folder.path(), &[], &["participants.tsv", "sub-3", "age is missing"]);
    let one: String = good.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(&table, one).unwrap();
    assert_refused(folder.path(), &[], &["participants.tsv", "one person only", "sub-0"]);
    std::fs::write(&table, &good).unwrap();
    assert_refused(
        folder.path(),
        &["--folds", "7"],
        &["participants.tsv", "6 people", "--folds"],
    );
    assert_refused(
        folder.path(),
        &["--classify", "hand"],
        &["participants.tsv", "no column 'hand'"],
    );
    assert_refused(folder.path(), &["--bands", "mu"], &["--bands mu"]);
}

#[test]
fn options_that_mean_nothing_together_are_refused() {
    for arguments in [
        &["--recenter"][..],
        &["--bands", "alpha"],
        &["--data", "x", "--simulate", "mean"],
        &["--metric", "cosine"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
