//! Every example as a user runs it: help, a short run through a pipe, JSON, and how bad input is refused. `brain_age_cli`
//! has more of the same for the largest of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// An example, arguments that make it quick, and (arguments, words of the error) that it refuses.
struct Case {
    name: &'static str,
    quick: &'static [&'static str],
    refused: &'static [(&'static [&'static str], &'static str)],
}

const CASES: [Case; 6] = [
    Case {
        name: "brain_age",
        quick: &["--simulate", "mean", "--subjects", "12", "--folds", "3"],
        refused: &[(&["--data", "/no/such/folder"], "/no/such/folder")],
    },
    Case {
        name: "geodesics",
        quick: &["--a", "2,1;1,3", "--b", "1,-0.5;-0.5,0.4", "--samples", "3"],
        refused: &[
            (&["--a", "1,2;2,1"], "positive definite"),
            (&["--a", "1,x;x,1"], "not a number"),
            (&["--a", "/no/such.npy"], "/no/such.npy"),
        ],
    },
    Case {
        name: "bci_transfer",
        quick: &["--directions", "20"],
        refused: &[
            (
                &["--source", "/no/such.edf", "--target", "/no/such.edf"],
                "/no/such.edf",
            ),
            (&["--npz", "/no/such.npz"], "/no/such.npz"),
        ],
    },
    Case {
        name: "bounded_systems",
        quick: &["--problem", "himmelblau"],
        refused: &[
            (&["--problem", "no_such_problem"], "no_such_problem"),
            (&["--start", "1,x"], "start"),
        ],
    },
    Case {
        name: "spectral_counts",
        quick: &["--n", "300", "--points", "16"],
        refused: &[
            (&["--coefficients", "/no/such.csv"], "such"),
            (&["--n", "300", "--disorder", "nan"], "disorder"),
        ],
    },
    Case {
        name: "streaming_svd",
        quick: &["--n", "300", "--k", "4", "--l", "4", "--batches", "4", "--checks", "2"],
        refused: &[
            (&["--input", "/no/such.mtx"], "/no/such.mtx"),
            (&["--n", "300", "--k", "0"], "k"),
        ],
    },
];

/// The example beside this test's own binary; `cargo test` builds both, `cargo test --test` this one alone.
fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let target = here.parent().and_then(Path::parent).unwrap();
    let program = target
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "build it first: cargo build --example {name}");
    program
}

fn run(name: &str, arguments: &[&str], out: &Path) -> Output {
    let mut command = Command::new(program(name));
    command
        .args(arguments)
        .arg("--out")
        .arg(out)
        .current_dir(out.parent().unwrap());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Every file of a folder and its subfolders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(listing) = std::fs::read_dir(folder) else {
        return vec![];
    };
    let paths = listing.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

#[test]
fn help_has_an_example_line() {
    for case in CASES {
        let output = Command::new(program(case.name)).arg("--help").output().unwrap();
        let help = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", case.name);
        assert!(
            help.contains("Example") && help.contains("--out"),
            "{}: {help}",
            case.name
        );
    }
}

#[test]
fn a_run_through_a_pipe_is_quiet_and_its_pictures_are_whole() {
    for case in CASES {
        let folder = TempDir::new().unwrap();
        let output = run(case.name, case.quick, &folder.path().join("out"));
        assert_eq!(output.status.code(), Some(0), "{}: {}", case.name, text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{}: a progress bar in a pipe", case.name);
        assert!(!output.stdout.is_empty(), "{}", case.name);
        let pictures = files(folder.path());
        assert!(!pictures.is_empty(), "{}", case.name);
        for path in pictures {
            let bytes = std::fs::read(&path).unwrap();
            let whole = match path.extension().and_then(|e| e.to_str()) {
                Some("svg") => bytes.ends_with(b"</svg>\n"),
                Some("png") => bytes.ends_with(b"IEND\xae\x42\x60\x82"),
                _ => false,
            };
            assert!(whole, "{}: {}", case.name, path.display());
        }
    }
}

#[test]
fn json_is_one_object() {
    for case in CASES {
        let folder = TempDir::new().unwrap();
        let arguments = [case.quick, &["--json"]].concat();
        let output = run(case.name, &arguments, &folder.path().join("out"));
        assert_eq!(output.status.code(), Some(0), "{}: {}", case.name, text(&output.stderr));
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(object.as_object().is_some_and(|o| !o.is_empty()), "{}", case.name);
    }
}

#[test]
fn bad_input_is_one_line_and_leaves_nothing() {
    for case in CASES {
        for (arguments, words) in case.refused {
            let folder = TempDir::new().unwrap();
            let output = run(case.name, arguments, &folder.path().join("out"));
            let error = text(&output.stderr);
            let context = format!("{} {arguments:?}: {error}", case.name);
            assert_eq!(output.status.code(), Some(2), "{context}");
            assert_eq!(error.trim_end().lines().count(), 1, "{context}");
            assert!(error.starts_with(case.name) && error.contains(words), "{context}");
            assert!(output.stdout.is_empty(), "{context}");
            assert!(files(folder.path()).is_empty(), "{context}");
        }
    }
}

/// A folder that cannot be made is named.
#[test]
fn a_folder_in_the_way_of_a_file_is_named() {
    for case in CASES {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("occupied");
        std::fs::write(&file, "x").unwrap();
        let output = run(case.name, case.quick, &file);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{}: {error}", case.name);
        assert!(
            error.trim_end().lines().count() == 1 && error.contains("occupied"),
            "{}: {error}",
            case.name
        );
    }
}
