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
    for line in lines(path)? {
        let (at, line) = line?;
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(label) = words.next() else { continue };
        labels.push(number(path, at, "label", Some(label))?);
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
            if index == 0 || index > columns.unwrap_or(u32::MAX as usize) {
                return Err(malformed(
                    path,
                    Some(at),
                    format!("index {index} is outside 1..={:?}", columns),
                ));
            }
            widest = widest.max(index);
            entries.push((labels.len() - 1, index - 1, number(path, at, "value", Some(value))?));
        }
    }
    Ok((
        Csr::from_triplets(labels.len(), columns.unwrap_or(widest), entries)?,
        labels,
    ))
}
