//! NumPy's `.npy` and `.npz` files: ready epochs, covariances, labels.
//!
//! Format: NEP 1 (versions 1.0, 2.0, 3.0); an `.npz` is a zip of `.npy` files, stored or deflated. What a header claims
//! is checked against the bytes that are there before anything is allocated.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use hadamard_geometry::{SpdBatch, SymBatch};
use zip::ZipArchive;

use crate::error::{Error, Result};

/// An array of numbers in C order (the last index varies fastest), converted to `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The entries.
    pub data: Vec<f64>,
}

/// A `.npy` file (one array, named `""`) or a `.npz` file (named arrays); arrays are read when they are asked for.
///
/// ```no_run
/// use hadamard_meeg::io::Arrays;
///
/// let arrays = Arrays::open("eegmat_epochs_alpha.npz")?;
/// let covariances = arrays.covariances("covs")?;
/// let condition = arrays.integers("condition")?;
/// assert_eq!(covariances.len(), condition.len());
/// # Ok::<(), hadamard_meeg::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Arrays {
    path: PathBuf,
    /// Names of an `.npz`; `None` for an `.npy`.
    names: Option<Vec<String>>,
}

/// Elements of these types are read; each has at most 2^53 as its exact range in `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Element {
    Float(usize),
    Signed(usize),
    Unsigned(usize),
    Bool,
}

#[derive(Debug, PartialEq)]
struct Header {
    element: Element,
    big_endian: bool,
    fortran: bool,
    shape: Vec<usize>,
}

/// First bytes of an `.npy`.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is read: NumPy's own limit.
const LONGEST_HEADER: usize = 10_000;

impl Arrays {
    /// Opens a file and lists its arrays.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::UnknownFormat`] when it is neither an `.npy` nor a zip.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let io = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let mut head = Vec::new();
        File::open(&path)
            .map_err(io)?
            .take(8)
            .read_to_end(&mut head)
            .map_err(io)?;
        if head.starts_with(MAGIC) {
            return Ok(Self { path, names: None });
        }
        let archive = File::open(&path)
            .map_err(io)
            .map(|file| ZipArchive::new(BufReader::new(file)))?;
        let Ok(archive) = archive else {
            return Err(Error::UnknownFormat {
                path,
                known: ".npy, .npz".into(),
            });
        };
        let names = archive
            .file_names()
            .filter_map(|name| name.strip_suffix(".npy"))
            .map(str::to_owned);
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(Self {
            path,
            names: Some(names),
        })
    }

    /// Names of the arrays, sorted; one empty name for an `.npy`.
    pub fn names(&self) -> Vec<&str> {
        match &self.names {
            None => vec![""],
            Some(names) => names.iter().map(String::as_str).collect(),
        }
    }

    /// Reads an array of numbers or booleans; a name is ignored for an `.npy`.
    ///
    /// # Errors
    /// [`Error::Array`] when there is none of that name, its elements are not numbers, or its bytes are not what its
    /// header claims; [`Error::Io`].
    pub fn array(&self, name: &str) -> Result<Array> {
        let io = |source| Error::Io {
            path: self.path.clone(),
            source,
        };
        let file = File::open(&self.path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let reader = BufReader::new(file);
        if self.names.is_none() {
            return read(reader, length).map_err(|reason| self.refuse(name, reason));
        }
        let mut archive = ZipArchive::new(reader).map_err(|error| self.refuse(name, error.to_string()))?;
        let entry = archive.by_name(&format!("{name}.npy")).map_err(|_| {
            let known = self.names().join(", ");
            self.refuse(name, format!("not in this file (it has {known})"))
        })?;
        // Deflate shrinks by 1032 at most: a larger claim is a lie.
        let claimed = entry.size();
        if claimed > length.saturating_mul(1032) {
            return Err(self.refuse(name, format!("claims {claimed} bytes in a file of {length}")));
        }
        read(entry, claimed).map_err(|reason| self.refuse(name, reason))
    }

    /// Covariances of shape (N, d, d), or (d, d) for a single one, each validated as SPD.
    ///
    /// # Errors
    /// As [`Self::array`]; [`Error::Array`] for another shape; [`Error::Geometry`] with the index of the matrix that is
    /// not finite, not symmetric or not positive definite.
    pub fn covariances(&self, name: &str) -> Result<SpdBatch> {
        let (order, data) = self.square(name)?;
        Ok(SpdBatch::try_from_vec(order, data)?)
    }

    /// Symmetric matrices of shape (N, d, d), or (d, d) for a single one, of any rank.
    ///
    /// # Errors
    /// As [`Self::covariances`], but for definiteness.
    pub fn symmetric(&self, name: &str) -> Result<SymBatch> {
        let (order, data) = self.square(name)?;
        Ok(SymBatch::try_from_vec(order, data)?)
    }

    /// Epochs of shape (epochs, channels, time) at `sampling_rate` Hz; channels are named by `channels` or numbered.
    ///
    /// # Errors
    /// As [`Self::array`] and [`Epochs::new`](crate::Epochs::new); [`Error::Array`] for another shape or another number
    /// of channel names.
    pub fn epochs(&self, name: &str, sampling_rate: f64, channels: Option<&[String]>) -> Result<crate::Epochs> {
        let array = self.array(name)?;
        let &[_, count, _] = &array.shape[..] else {
            return Err(self.refuse(
                name,
                format!("shape {:?}, expected (epochs, channels, time)", array.shape),
            ));
        };
        let names = match channels {
            Some(names) if names.len() != count => {
                return Err(self.refuse(name, format!("{count} channels, {} names given", names.len())));
            }
            Some(names) => names.to_vec(),
            None => (0..count).map(|index| index.to_string()).collect(),
        };
        crate::Epochs::new(names, sampling_rate, array.shape[2], array.data)
    }

    /// Whole numbers of any shape, flattened: labels, subjects, conditions.
    ///
    /// # Errors
    /// As [`Self::array`]; [`Error::Array`] when an entry is no whole number.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>> {
        let array = self.array(name)?;
        match array
            .data
            .iter()
            .position(|x| x.fract() != 0.0 || x.abs() > 9_007_199_254_740_992.0)
        {
            Some(index) => Err(self.refuse(
                name,
                format!("entry {index} is {}, expected a whole number", array.data[index]),
            )),
            None => Ok(array.data.iter().map(|&x| x as i64).collect()),
        }
    }

    fn square(&self, name: &str) -> Result<(usize, Vec<f64>)> {
        let array = self.array(name)?;
        match array.shape[..] {
            [_, rows, columns] | [rows, columns] if rows == columns => Ok((rows, array.data)),
            _ => Err(self.refuse(name, format!("shape {:?}, expected (N, d, d)", array.shape))),
        }
    }

    fn refuse(&self, name: &str, reason: impl Into<String>) -> Error {
        Error::Array {
            path: self.path.clone(),
            name: name.into(),
            reason: reason.into(),
        }
    }
}

/// Reads one `.npy` of `length` bytes.
fn read(mut reader: impl Read, length: u64) -> std::result::Result<Array, String> {
    let mut take = |count: usize| -> std::result::Result<Vec<u8>, String> {
        let mut bytes = vec![0; count];
        reader.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    };
    let preamble = take(8)?;
    if !preamble.starts_with(MAGIC) {
        return Err("not an .npy".into());
    }
    let size_bytes = match preamble[6] {
        1 => 2,
        2 | 3 => 4,
        version => return Err(format!("version {version} of the format is unknown")),
    };
    let header_length = take(size_bytes)?
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    if header_length > LONGEST_HEADER {
        return Err(format!(
            "header of {header_length} bytes, at most {LONGEST_HEADER} are read"
        ));
    }
    let header = parse_header(&String::from_utf8_lossy(&take(header_length)?))?;
    let width = header.element.width();
    let bytes = header
        .shape
        .iter()
        .try_fold(width, |product, &axis| product.checked_mul(axis));
    let present = length.saturating_sub((8 + size_bytes + header_length) as u64);
    let bytes = match bytes {
        Some(bytes) if bytes as u64 == present => bytes,
        _ => {
            return Err(format!(
                "shape {:?} of {width}-byte elements does not fit the {present} bytes present",
                header.shape
            ));
        }
    };
    let data = header.decode(&take(bytes)?);
    Ok(Array {
        data: if header.fortran {
            c_order(&header.shape, &data)
        } else {
            data
        },
        shape: header.shape,
    })
}

/// Parses `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(text: &str) -> std::result::Result<Header, String> {
    let value = |key: &str| {
        let after = text
            .split_once(&format!("'{key}':"))
            .map(|(_, after)| after.trim_start());
        after.ok_or_else(|| format!("header has no {key}"))
    };
    let descr = value("descr")?;
    let descr = descr
        .strip_prefix('\'')
        .and_then(|rest| rest.split_once('\''))
        .map(|(descr, _)| descr)
        .ok_or("structured elements are not read")?;
    let (order, kind) = descr
        .split_at_checked(1)
        .ok_or_else(|| format!("elements of type {descr:?}"))?;
    let element = match kind {
        "f4" => Element::Float(4),
        "f8" => Element::Float(8),
        "i1" => Element::Signed(1),
        "i2" => Element::Signed(2),
        "i4" => Element::Signed(4),
        "i8" => Element::Signed(8),
        "u1" => Element::Unsigned(1),
        "u2" => Element::Unsigned(2),
        "u4" => Element::Unsigned(4),
        "u8" => Element::Unsigned(8),
        "b1" => Element::Bool,
        _ => return Err(format!("elements of type {descr:?}, expected numbers")),
    };
    let fortran = value("fortran_order")?;
    let fortran = match (fortran.starts_with("True"), fortran.starts_with("False")) {
        (true, false) => true,
        (false, true) => false,
        _ => return Err("fortran_order is neither True nor False".into()),
    };
    let shape = value("shape")?
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .map(|(shape, _)| shape);
    let shape = shape.ok_or("shape is no tuple")?;
    let axes = shape.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let shape: std::result::Result<Vec<usize>, _> = axes.map(str::parse).collect();
    Ok(Header {
        element,
        big_endian: match order {
            "<" | "|" | "=" => false,
            ">" => true,
            _ => return Err(format!("elements of type {descr:?}")),
        },
        fortran,
        shape: shape.map_err(|_| "shape holds something that is no size")?,
    })
}

impl Element {
    fn width(self) -> usize {
        match self {
            Self::Float(width) | Self::Signed(width) | Self::Unsigned(width) => width,
            Self::Bool => 1,
        }
    }
}

impl Header {
    fn decode(&self, bytes: &[u8]) -> Vec<f64> {
        let width = self.element.width();
        let mut little = [0; 8];
        let decode = |chunk: &[u8]| {
            little[..width].copy_from_slice(chunk);
            if self.big_endian {
                little[..width].reverse();
            }
            let word = u64::from_le_bytes(little);
            let unused = 64 - 8 * width as u32;
            match self.element {
                Element::Float(4) => f64::from(f32::from_bits(word as u32)),
                Element::Float(_) => f64::from_bits(word),
                Element::Signed(_) => ((word << unused) as i64 >> unused) as f64,
                Element::Unsigned(_) => word as f64,
                Element::Bool => f64::from(u8::from(word != 0)),
            }
        };
        bytes.chunks_exact(width).map(decode).collect()
    }
}

/// Reorders entries whose first index varies fastest.
fn c_order(shape: &[usize], fortran: &[f64]) -> Vec<f64> {
    let mut data = Vec::with_capacity(fortran.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..fortran.len() {
        let mut position = 0;
        for (i, axis) in index.iter().zip(shape).rev() {
            position = position * axis + i;
        }
        data.push(fortran[position]);
        for (i, axis) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *axis {
                break;
            }
            *i = 0;
        }
    }
    data
}
