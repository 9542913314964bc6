//! scipy `save_npz` files: csr, csc and coo, compressed or not.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Write};
use std::path::Path;

use npyz::{DType, NpyFile, TypeChar, WriteOptions, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::Result;
use crate::read::{io, malformed};
use crate::replace::replace;
use crate::sparse::Csr;

/// Reads a sparse matrix saved by `scipy.sparse.save_npz` (csr, csc or coo; float, integer or boolean data).
///
/// Duplicates are added and indices sorted. Errs on files that are cut, lack a part or contradict themselves.
pub fn read_npz(path: impl AsRef<Path>) -> Result<Csr> {
    let path = path.as_ref();
    let file = File::open(path).map_err(io(path))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|e| malformed(path, None, e.to_string()))?;
    let mut part = |name: &str| part(path, &mut zip, name);
    let format = part("format")?
        .text()
        .ok_or_else(|| malformed(path, None, "format is not text"))?;
    let shape = part("shape")?.indices(path, "shape")?;
    let &[rows, cols] = shape.as_slice() else {
        return Err(malformed(
            path,
            None,
            format!("shape of {} numbers, expected 2", shape.len()),
        ));
    };
    if rows >= u32::MAX as usize || cols >= u32::MAX as usize {
        return Err(malformed(path, None, format!("impossible shape {rows} x {cols}")));
    }
    let values = part("data")?.values(path)?;
    let lengths = |found: usize| malformed(path, None, format!("{found} indices for {} values", values.len()));
    let triplets: Vec<(usize, usize, f64)> = match format.as_str() {
        "csr" | "csc" => {
            let (indices, offsets) = (
                part("indices")?.indices(path, "indices")?,
                part("indptr")?.indices(path, "indptr")?,
            );
            let lines = if format == "csr" { rows } else { cols };
            let sound = offsets.len() == lines + 1
                && offsets[0] == 0
                && offsets[lines] == values.len()
                && offsets.windows(2).all(|w| w[0] <= w[1]);
            if !sound {
                return Err(malformed(path, None, format!("indptr does not describe {lines} lines")));
            }
            if indices.len() != values.len() {
                return Err(lengths(indices.len()));
            }
            let line = |i: usize| (offsets[i]..offsets[i + 1]).map(move |at| (i, at));
            let entry = |(i, at): (usize, usize)| match format.as_str() {
                "csr" => (i, indices[at], values[at]),
                _ => (indices[at], i, values[at]),
            };
            (0..lines).flat_map(line).map(entry).collect()
        }
        "coo" => {
            let (row, col) = (part("row")?.indices(path, "row")?, part("col")?.indices(path, "col")?);
            if row.len() != values.len() || col.len() != values.len() {
                return Err(lengths(row.len().max(col.len())));
            }
            (0..values.len()).map(|at| (row[at], col[at], values[at])).collect()
        }
        other => {
            return Err(malformed(
                path,
                None,
                format!("format {other:?}, expected csr, csc or coo"),
            ));
        }
    };
    Csr::from_triplets(rows, cols, triplets)
}

/// Writes a matrix as `scipy.sparse.save_npz` does: csr, compressed, 64-bit indices. `scipy.sparse.load_npz` and
/// [`read_npz`] return the same bits. The file is replaced as a whole or not at all. Errs when it cannot be written.
pub fn write_npz(path: impl AsRef<Path>, a: &Csr) -> Result<()> {
    let (offsets, indices, values) = a.parts();
    let whole = |list: &[usize]| -> Vec<u8> { list.iter().flat_map(|&i| (i as i64).to_le_bytes()).collect() };
    let numbers: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let length = |list: usize| vec![list as u64];
    let parts = [
        ("indices", "<i8", length(indices.len()), whole(indices)),
        ("indptr", "<i8", length(offsets.len()), whole(offsets)),
        ("format", "|S3", vec![], b"csr".to_vec()),
        ("shape", "<i8", length(2), whole(&[a.nrows(), a.ncols()])),
        ("data", "<f8", length(values.len()), numbers),
    ];
    replace(path.as_ref(), |file| {
        // The archive seeks back to its headers, which a buffer of the file does as well.
        let mut archive = ZipWriter::new(file);
        for (name, kind, shape, bytes) in parts {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .large_file(bytes.len() > 1 << 30);
            archive.start_file(format!("{name}.npy"), options)?;
            let kind = kind.parse().map_err(std::io::Error::other)?;
            let header = WriteOptions::new_header_only().dtype(DType::Plain(kind)).shape(&shape);
            header.writer(&mut archive).write_header_only()?;
            archive.write_all(&bytes)?;
        }
        archive.finish()?;
        Ok(())
    })
}

/// One array of the archive.
struct Array {
    name: String,
    bytes: Vec<u8>,
}

fn part(path: &Path, zip: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Array> {
    let wrong = |e: String| malformed(path, None, format!("array {name:?}: {e}"));
    let mut entry = zip.by_name(&format!("{name}.npy")).map_err(|e| wrong(e.to_string()))?;
    // The directory says how long the part is, and may lie: memory grows with what is there, and a stream that goes on
    // beyond is refused there. One byte more is asked for, so that the checksum at the end is read.
    let length = entry.size();
    let mut bytes = Vec::new();
    let mut limited = entry.by_ref().take(length.saturating_add(1));
    limited.read_to_end(&mut bytes).map_err(|e| wrong(e.to_string()))?;
    if bytes.len() as u64 != length {
        return Err(wrong(format!(
            "{length} bytes announced, {} or more found",
            bytes.len()
        )));
    }
    Ok(Array {
        name: name.to_string(),
        bytes,
    })
}

/// The array, the kind of its numbers and the bytes of one.
type Opened<'a> = (NpyFile<Cursor<&'a [u8]>>, TypeChar, u64);

impl Array {
    fn open(&self) -> Option<Opened<'_>> {
        let npy = NpyFile::new(Cursor::new(self.bytes.as_slice())).ok()?;
        let kind = match npy.dtype() {
            DType::Plain(kind) => kind,
            _ => return None,
        };
        // A header may claim any length; what is there decides.
        let size = u64::try_from(kind.num_bytes()?).ok()?;
        (npy.len().checked_mul(size)? <= self.bytes.len() as u64).then(|| (npy, kind.type_char(), size))
    }

    fn text(&self) -> Option<String> {
        let (_, kind, size) = self.open()?;
        let tail = &self.bytes[self.bytes.len().checked_sub(size as usize)?..];
        let letters = match kind {
            TypeChar::ByteStr => tail.to_vec(),
            TypeChar::UnicodeStr => tail.iter().step_by(4).copied().collect(),
            _ => return None,
        };
        Some(String::from_utf8(letters).ok()?.trim_end_matches('\0').to_string())
    }

    fn indices(&self, path: &Path, what: &str) -> Result<Vec<usize>> {
        let broken = || malformed(path, None, format!("array {what:?} is not a list of whole numbers"));
        let (npy, kind, size) = self.open().ok_or_else(broken)?;
        let list: Vec<i64> = match (kind, size) {
            (TypeChar::Int, 4) => npy
                .into_vec::<i32>()
                .map_err(|_| broken())?
                .into_iter()
                .map(i64::from)
                .collect(),
            (TypeChar::Int, 8) => npy.into_vec::<i64>().map_err(|_| broken())?,
            _ => return Err(broken()),
        };
        let convert = |x: i64| usize::try_from(x).map_err(|_| malformed(path, None, format!("{what} holds {x}")));
        list.into_iter().map(convert).collect()
    }

    fn values(&self, path: &Path) -> Result<Vec<f64>> {
        let broken = || malformed(path, None, format!("array {:?} is not a list of numbers", self.name));
        let (npy, kind, size) = self.open().ok_or_else(broken)?;
        macro_rules! list {
            ($t:ty) => {
                npy.into_vec::<$t>()
                    .map_err(|_| broken())?
                    .into_iter()
                    .map(f64::from)
                    .collect()
            };
        }
        Ok(match (kind, size) {
            (TypeChar::Float, 8) => npy.into_vec::<f64>().map_err(|_| broken())?,
            (TypeChar::Float, 4) => list!(f32),
            (TypeChar::Int, 1) => list!(i8),
            (TypeChar::Int, 2) => list!(i16),
            (TypeChar::Int, 4) => list!(i32),
            (TypeChar::Int, 8) => npy
                .into_vec::<i64>()
                .map_err(|_| broken())?
                .into_iter()
                .map(|x| x as f64)
                .collect(),
            (TypeChar::Uint, 1) => list!(u8),
            (TypeChar::Uint, 2) => list!(u16),
            (TypeChar::Uint, 4) => list!(u32),
            (TypeChar::Uint, 8) => npy
                .into_vec::<u64>()
                .map_err(|_| broken())?
                .into_iter()
                .map(|x| x as f64)
                .collect(),
            (TypeChar::Bool, 1) => npy
                .into_vec::<bool>()
                .map_err(|_| broken())?
                .into_iter()
                .map(|x| f64::from(u8::from(x)))
                .collect(),
            _ => return Err(broken()),
        })
    }
}
