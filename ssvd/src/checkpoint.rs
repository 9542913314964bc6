//! Checkpoints: one file, versioned, checked, replaced as a whole or not at all.
//!
//! Layout: the eight bytes `HDMDSSVD`, version (u32), length (u64) and CRC-32 (u32) of the payload, all little-endian,
//! then the payload (postcard): the name of the updating method and the state. Numbers are stored bit for bit.

use std::io::Write;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};
use crate::replace::replace;
use crate::update::{Augmentation, Stored, UpdatingSvd};

const MAGIC: &[u8; 8] = b"HDMDSSVD";
const VERSION: u32 = 2;
const HEADER: usize = 24;

impl<M: Augmentation + Serialize + for<'a> Deserialize<'a>> UpdatingSvd<M> {
    /// Writes the whole state to `path`, through a temporary file in the same folder that replaces the old checkpoint
    /// when it is complete and on disk: an interrupted write leaves the old file as it was (and perhaps a file
    /// `.tmp...` beside it). Errs with [`SsvdError::Io`] when the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), M::NAME, &self.store())
    }

    /// Reads a state written by [`UpdatingSvd::save`] with the same method type; its parameters come from the file.
    ///
    /// Errs with [`SsvdError::Io`] when the file cannot be read, with [`SsvdError::Method`] on the state of another
    /// method and with [`SsvdError::Malformed`] on files that are cut, changed or of another version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let stored: Stored<'static, M> = read(path, M::NAME)?;
        Self::restore(stored).ok_or_else(|| contradiction(path))
    }
}

pub(crate) fn contradiction(path: &Path) -> SsvdError {
    malformed(path, "the parts of the state contradict each other")
}

fn malformed(path: &Path, reason: impl Into<String>) -> SsvdError {
    SsvdError::Malformed {
        path: path.to_path_buf(),
        line: None,
        reason: reason.into(),
    }
}

/// Writes a state under the name of its kind.
pub(crate) fn write(path: &Path, kind: &str, state: &impl Serialize) -> Result<()> {
    let io = |source| SsvdError::Io {
        path: path.to_path_buf(),
        source,
    };
    let payload = postcard::to_stdvec(&(kind, state)).map_err(|e| io(std::io::Error::other(e)))?;
    replace(path, |file| {
        file.write_all(MAGIC)?;
        file.write_all(&VERSION.to_le_bytes())?;
        file.write_all(&(payload.len() as u64).to_le_bytes())?;
        file.write_all(&crc32fast::hash(&payload).to_le_bytes())?;
        file.write_all(&payload)
    })
}

/// Reads a state of the kind `kind`.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, kind: &str) -> Result<T> {
    let bytes = std::fs::read(path).map_err(|source| SsvdError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    let broken = |reason: String| malformed(path, reason);
    if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
        return Err(broken("not a checkpoint of an updating SVD".into()));
    }
    let number = |range: std::ops::Range<usize>| bytes[range].iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
    let (version, length, sum) = (number(8..12), number(12..20), number(20..24));
    if version != u64::from(VERSION) {
        return Err(broken(format!(
            "checkpoint version {version}, this library reads {VERSION}"
        )));
    }
    let payload = &bytes[HEADER..];
    if payload.len() as u64 != length {
        return Err(broken(format!(
            "{} bytes of payload, the header says {length}",
            payload.len()
        )));
    }
    if u64::from(crc32fast::hash(payload)) != sum {
        return Err(broken("the checksum does not match".into()));
    }
    let (found, state): (String, _) = postcard::take_from_bytes(payload).map_err(|e| broken(e.to_string()))?;
    if found != kind {
        return Err(SsvdError::Method {
            path: path.to_path_buf(),
            found,
            expected: kind.to_string(),
        });
    }
    let (state, rest): (T, _) = postcard::take_from_bytes(state).map_err(|e| broken(e.to_string()))?;
    if !rest.is_empty() {
        return Err(broken(format!("{} bytes too many", rest.len())));
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adaptive, Csr, Exact, Gkl, Rpi, UpdateTruncatedSvd};

    fn example() -> UpdatingSvd<Exact> {
        let a = Csr::from_triplets(6, 5, (0..12).map(|e| (e * 5 % 6, e * 3 % 5, 1.0 + e as f64))).unwrap();
        let mut svd = UpdatingSvd::start(&a, 2, Exact).unwrap();
        svd.add_rows(&a.row_range(1..3).unwrap()).unwrap();
        svd
    }

    fn refused<M: Augmentation + Serialize + for<'a> Deserialize<'a>>(path: &Path, by: &str) -> bool {
        matches!(UpdatingSvd::<M>::load(path), Err(SsvdError::Method { found, .. }) if found == by)
    }

    #[test]
    fn states_of_other_methods_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        example().save(&path).unwrap();
        assert!(
            refused::<Gkl>(&path, "exact") && refused::<Rpi>(&path, "exact") && refused::<Adaptive>(&path, "exact")
        );
        assert_eq!(UpdatingSvd::<Exact>::load(&path).unwrap().svd(), example().svd());
        // Gkl and Exact differ by a number, Gkl and Rpi by another: only the name tells them apart for certain.
        example().with_method(Gkl { l: 3 }).unwrap().save(&path).unwrap();
        assert!(refused::<Exact>(&path, "gkl") && refused::<Rpi>(&path, "gkl") && refused::<Adaptive>(&path, "gkl"));
        assert_eq!(*UpdatingSvd::<Gkl>::load(&path).unwrap().method(), Gkl { l: 3 });
    }

    #[test]
    fn every_cut_and_other_versions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        example().save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let malformed = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            matches!(UpdatingSvd::<Exact>::load(&path), Err(SsvdError::Malformed { .. }))
        };
        for cut in 0..bytes.len() {
            assert!(malformed(&bytes[..cut]), "cut at {cut}");
        }
        assert!(malformed(&[&bytes[..], &[0]].concat()));
        let mut other = bytes.clone();
        other[8] = 1;
        assert!(malformed(&other));
        // A payload that is sound as a file and no state: longer, shorter, of wrong sizes.
        for payload in [
            &b"\x05exact"[..],
            &b"\x05exact\xff\xff\xff\xff\x0f\x01"[..],
            b"\xff",
            b"",
        ] {
            let mut whole = bytes[..12].to_vec();
            whole.extend((payload.len() as u64).to_le_bytes());
            whole.extend(crc32fast::hash(payload).to_le_bytes());
            whole.extend(payload);
            assert!(malformed(&whole), "{payload:?}");
        }
    }
}
