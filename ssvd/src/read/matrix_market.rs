//! Matrix Market: real, integer and pattern; coordinate and array; general, symmetric and skew-symmetric.

use std::io::Write;
use std::path::Path;

use crate::error::Result;
use crate::read::{lines, malformed, number, parse};
use crate::replace::replace;
use crate::sparse::Csr;

/// Reads a Matrix Market file; duplicates are added, patterns become ones.
///
/// Errs with the line at fault; complex and Hermitian matrices are refused.
pub fn read_matrix_market(path: impl AsRef<Path>) -> Result<Csr> {
    let path = path.as_ref();
    let mut rest = lines(path)?;
    let (_, header) = rest
        .next()
        .ok_or_else(|| malformed(path, None, "the file is empty"))??;
    let words: Vec<String> = header.split_whitespace().map(str::to_ascii_lowercase).collect();
    let [banner, object, format, field, symmetry] = words.as_slice() else {
        return Err(malformed(
            path,
            Some(1),
            "expected %%MatrixMarket matrix FORMAT FIELD SYMMETRY",
        ));
    };
    let known = banner == "%%matrixmarket"
        && object == "matrix"
        && ["coordinate", "array"].contains(&format.as_str())
        && ["real", "double", "integer", "pattern"].contains(&field.as_str())
        && ["general", "symmetric", "skew-symmetric"].contains(&symmetry.as_str());
    let (sparse, pattern) = (format == "coordinate", field == "pattern");
    if !known || (pattern && !sparse) {
        return Err(malformed(path, Some(1), format!("unsupported kind {header:?}")));
    }
    let mirror = match symmetry.as_str() {
        "symmetric" => Some(1.0),
        "skew-symmetric" => Some(-1.0),
        _ => None,
    };
    let mut body = rest
        .filter(|line| !matches!(line, Ok((_, text)) if text.trim().is_empty() || text.trim_start().starts_with('%')));
    let (at, sizes) = body
        .next()
        .ok_or_else(|| malformed(path, None, "the size line is missing"))??;
    let mut words = sizes.split_whitespace();
    let rows: usize = parse(path, at, "number of rows", words.next())?;
    let cols: usize = parse(path, at, "number of columns", words.next())?;
    if rows >= u32::MAX as usize || cols >= u32::MAX as usize || (mirror.is_some() && rows != cols) {
        return Err(malformed(
            path,
            Some(at),
            format!("impossible shape {rows} x {cols} for a {symmetry} matrix"),
        ));
    }
    let places = if sparse {
        None
    } else {
        Some(array_places(rows, cols, mirror))
    };
    let expected = match &places {
        None => parse(path, at, "number of entries", words.next())?,
        Some(places) => places.clone().count(),
    };
    let mut places = places.into_iter().flatten();
    let mut entries = Vec::new();
    let mut found = 0usize;
    for line in body {
        let (at, line) = line?;
        let mut words = line.split_whitespace();
        if found == expected {
            return Err(malformed(
                path,
                Some(at),
                format!("more than the {expected} entries announced"),
            ));
        }
        let (i, j) = if sparse {
            let i: usize = parse(path, at, "row", words.next())?;
            let j: usize = parse(path, at, "column", words.next())?;
            if i == 0 || i > rows || j == 0 || j > cols {
                return Err(malformed(
                    path,
                    Some(at),
                    format!("entry ({i}, {j}) of a {rows} x {cols} matrix"),
                ));
            }
            (i - 1, j - 1)
        } else {
            places.next().unwrap_or_default()
        };
        let value = if pattern {
            1.0
        } else {
            number(path, at, "value", words.next())?
        };
        if let Some(extra) = words.next() {
            return Err(malformed(path, Some(at), format!("unexpected {extra:?}")));
        }
        found += 1;
        entries.push((i, j, value));
        if let Some(sign) = mirror.filter(|_| i != j) {
            entries.push((j, i, sign * value));
        }
    }
    if found != expected {
        return Err(malformed(
            path,
            None,
            format!("{found} entries, the size line announces {expected}"),
        ));
    }
    Csr::from_triplets(rows, cols, entries.into_iter().filter(|e| sparse || e.2 != 0.0))
}

/// The places of an array file: column by column, of symmetric matrices the lower triangle.
fn array_places(rows: usize, cols: usize, mirror: Option<f64>) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..cols).flat_map(move |j| {
        let first = match mirror {
            None => 0,
            Some(sign) => j + usize::from(sign < 0.0),
        };
        (first.min(rows)..rows).map(move |i| (i, j))
    })
}

/// Writes a matrix as `coordinate real general`, numbers in the shortest form that reads back to the same bits. The
/// file is replaced as a whole or not at all. Errs when it cannot be written.
pub fn write_matrix_market(path: impl AsRef<Path>, a: &Csr) -> Result<()> {
    replace(path.as_ref(), |file| {
        writeln!(file, "%%MatrixMarket matrix coordinate real general")?;
        writeln!(file, "{} {} {}", a.nrows(), a.ncols(), a.nnz())?;
        for (i, j, x) in a.triplets() {
            writeln!(file, "{} {} {x:e}", i + 1, j + 1)?;
        }
        Ok(())
    })
}
