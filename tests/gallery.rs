//! The example `gallery`: every picture twice, with the same bytes, and one-line refusals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let target = here.parent().and_then(Path::parent).unwrap();
    let program = target
        .join("examples")
        .join(format!("gallery{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "build it first: cargo build --example gallery");
    program
}

fn run(threads: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command
        .env("RAYON_NUM_THREADS", threads)
        .args(arguments)
        .output()
        .unwrap()
}

/// Bytes of the files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn pictures_have_the_same_bytes_in_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |name: &str, threads: &str| {
        let out = folder.path().join(name);
        let output = run(threads, &["--out", out.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "no progress bar in a pipe");
        files(&out)
    };
    let (one, two) = (draw("one", "1"), draw("two", "2"));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name} differs between two runs");
        if name.ends_with(".svg") {
            let text = std::str::from_utf8(bytes).unwrap();
            // Raw HTML in Markdown ends at a blank line, so that a picture with one could not stand in the documentation.
            assert!(!text.trim_end().contains("\n\n"), "{name} has a blank line");
            assert!(!text.contains("NaN") && !text.contains("href"), "{name}");
            assert!(bytes.len() < 150_000, "{name} has {} bytes", bytes.len());
        }
    }
    assert!(one.len() >= 2 * 19, "{:?}", one.keys());
}

#[test]
fn unknown_pictures_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let output = run("1", &["--only", "mona_lisa", "--out", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("mona_lisa") && text.contains("cone"), "{text}");
    assert!(files(folder.path()).is_empty());
}
