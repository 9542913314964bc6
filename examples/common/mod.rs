//! What the examples share: lines on standard output, pictures in both formats, a progress bar that only a terminal sees.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use hadamard::plot::Figure;
use indicatif::{ProgressBar, ProgressStyle};

/// Writes `figure` as `folder`/`name`.svg and .png; makes the folder.
pub(crate) fn save(figure: &Figure, folder: &Path, name: &str) -> Result<[PathBuf; 2], String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}: give another --out", folder.display()))?;
    let files = ["svg", "png"].map(|kind| folder.join(name).with_extension(kind));
    for file in &files {
        figure.save(file).map_err(|e| e.to_string())?;
    }
    Ok(files)
}

/// A bar of `count` steps on standard error when that is a terminal, none otherwise.
pub(crate) fn progress(what: &'static str, count: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:16} {bar:40} {pos}/{len}, {eta} left").expect("a valid template");
    ProgressBar::new(count as u64).with_style(style).with_message(what)
}

/// `println!` that ends the program in peace when whoever read its output has gone (`... | head -3`), where that one
/// panics.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::common::line(format_args!($($text)*))
    };
}
pub(crate) use say;

/// The line of [`say`].
pub(crate) fn line(text: std::fmt::Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        let gone = error.kind() == ErrorKind::BrokenPipe;
        if !gone {
            eprintln!("standard output: {error}");
        }
        std::process::exit(if gone { 0 } else { 2 });
    }
}
