//! The corpus of the fuzz targets (`fuzz/corpus`), and every prefix of its files, through the readers.

use std::path::{Path, PathBuf};

use proofs_tests::readers::{TARGETS, Target};

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let listing = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs a target and names the input if it panics.
fn run(target: Target, bytes: &[u8], what: &str) {
    let outcome = std::panic::catch_unwind(|| target(bytes));
    assert!(outcome.is_ok(), "{what}: see above");
}

#[test]
fn corpus_files_are_read_or_refused() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "no corpus for {name}");
        for path in files {
            run(target, &std::fs::read(&path).unwrap(), &path.display().to_string());
        }
    }
}

/// Prefixes, at most 200 of each of the ten smallest files: what an interrupted copy leaves.
#[test]
fn files_that_were_cut_are_refused() {
    for (name, target) in TARGETS {
        let mut files: Vec<Vec<u8>> = corpus(name).iter().map(|path| std::fs::read(path).unwrap()).collect();
        files.sort_by_key(Vec::len);
        for bytes in files.iter().take(10) {
            for cut in (0..bytes.len()).step_by(bytes.len().div_ceil(200).max(1)) {
                run(target, &bytes[..cut], &format!("{name}, cut at {cut}"));
            }
        }
    }
}
