//! libsvm / svmlight: `label index:value ...` per line, indices from 1.

use std::path::Path;

use crate::error::Result;
use crate::read::{lines, malformed, number, parse};
use crate::sparse::Csr;

/// Reads a libsvm file: the matrix of features and the labels.
///
/// `columns` fixes the number of features; else it is the largest index. `#` starts a comment, `qid:` is skipped. Errs with the
/// line at fault.
pub fn read_libsvm(path: impl AsRef<Path>, columns: Option<usize>) -> Result<(Csr, Vec<f64>)> {
    let path = path.as_ref();
    let (mut entries, mut labels, mut widest) = (Vec::new(), Vec::new(), 0usize);
    for row in rows(path, columns)? {
        let (label, features) = row?;
        for (j, x) in features {
            widest = widest.max(j + 1);
            entries.push((labels.len(), j, x));
        }
        labels.push(label);
    }
    let features = Csr::from_triplets(labels.len(), columns.unwrap_or(widest), entries)?;
    Ok((features, labels))
}

/// A row of a libsvm file: the label and (column from 0, value) in the order of the line.
pub type LabelledRow = (f64, Vec<(usize, f64)>);

/// The rows of a libsvm file one after the other, for files larger than memory.
///
/// Errs when the file cannot be opened; a row errs with its line.
pub fn libsvm_rows(path: impl AsRef<Path>) -> Result<impl Iterator<Item = Result<LabelledRow>>> {
    rows(path.as_ref(), None)
}

fn rows(path: &Path, columns: Option<usize>) -> Result<impl Iterator<Item = Result<LabelledRow>> + use<>> {
    let (lines, path) = (lines(path)?, path.to_path_buf());
    Ok(lines.filter_map(move |line| match line {
        Ok((at, line)) => row(&path, at, &line, columns).transpose(),
        Err(error) => Some(Err(error)),
    }))
}

/// The row of a line, `None` for a line without one.
fn row(path: &Path, at: usize, line: &str, columns: Option<usize>) -> Result<Option<LabelledRow>> {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    let Some(label) = words.next() else { return Ok(None) };
    let label = number(path, at, "label", Some(label))?;
    let mut entries = Vec::new();
    for word in words {
        let Some((index, value)) = word.split_once(':') else {
            return Err(malformed(
                path,
                Some(at),
                format!("expected index:value, found {word:?}"),
            ));
        };
        if index == "qid" {
            continue;
        }
        let index: usize = parse(path, at, "index", Some(index))?;
        let most = columns.unwrap_or(u32::MAX as usize);
        if index == 0 || index > most {
            return Err(malformed(
                path,
                Some(at),
                format!("index {index} is outside 1..={most}"),
            ));
        }
        entries.push((index - 1, number(path, at, "value", Some(value))?));
    }
    Ok(Some((label, entries)))
}
