//! Checkpoints: one file, versioned, checked, replaced as a whole or not at all.
//!
//! Layout: the eight bytes `HDMDSSVD`, version (u32), length (u64) and CRC-32 (u32) of the payload, all little-endian,
//! then the payload (postcard). Numbers are stored bit for bit.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};
use crate::update::{Augmentation, Stored, UpdatingSvd};

const MAGIC: &[u8; 8] = b"HDMDSSVD";
const VERSION: u32 = 1;
const HEADER: usize = 24;

impl<M: Augmentation + Serialize + for<'a> Deserialize<'a>> UpdatingSvd<M> {
    /// Writes the whole state to `path`, through a temporary file in the same folder that replaces the old checkpoint
    /// when it is complete and on disk: an interrupted write leaves the old file as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let io = |source| SsvdError::Io {
            path: path.to_path_buf(),
            source,
        };
        let payload = postcard::to_stdvec(&self.store()).map_err(|e| io(std::io::Error::other(e)))?;
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend((payload.len() as u64).to_le_bytes());
        header.extend(crc32fast::hash(&payload).to_le_bytes());
        file.write_all(&header)
            .and_then(|()| file.write_all(&payload))
            .map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        file.persist(path).map_err(|e| io(e.error))?;
        Ok(())
    }

    /// Reads a state written by [`UpdatingSvd::save`] with the same method type.
    ///
    /// Errs on files that are cut, changed, of another version or kind.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| SsvdError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        let broken = |reason: String| SsvdError::Malformed {
            path: path.to_path_buf(),
            line: None,
            reason,
        };
        if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
            return Err(broken("not a checkpoint of an updating SVD".into()));
        }
        let number =
            |range: std::ops::Range<usize>| bytes[range].iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
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
        let (stored, rest): (Stored<'_, M>, _) =
            postcard::take_from_bytes(payload).map_err(|e| broken(e.to_string()))?;
        if !rest.is_empty() {
            return Err(broken(format!(
                "{} bytes too many: the state of another method",
                rest.len()
            )));
        }
        Self::restore(stored).ok_or_else(|| broken("the parts of the state contradict each other".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adaptive, Csr, Exact, Gkl, Rpi, UpdateTruncatedSvd};

    fn refused<M: Augmentation + Serialize + for<'a> Deserialize<'a>>(path: &Path) -> bool {
        matches!(UpdatingSvd::<M>::load(path), Err(SsvdError::Malformed { .. }))
    }

    #[test]
    fn states_of_other_methods_and_every_cut_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let a = Csr::from_triplets(6, 5, (0..12).map(|e| (e * 5 % 6, e * 3 % 5, 1.0 + e as f64))).unwrap();
        let mut svd = UpdatingSvd::start(&a, 2, Exact).unwrap();
        svd.add_rows(&a.row_range(1..3).unwrap()).unwrap();
        svd.save(&path).unwrap();
        assert!(refused::<Gkl>(&path) && refused::<Rpi>(&path) && refused::<Adaptive>(&path));
        assert!(!refused::<Exact>(&path));
        svd.clone()
            .with_method(Rpi { l: 3, t: 2 })
            .unwrap()
            .save(&path)
            .unwrap();
        assert!(refused::<Exact>(&path) && refused::<Gkl>(&path) && refused::<Adaptive>(&path));
        assert!(!refused::<Rpi>(&path));
        let bytes = std::fs::read(&path).unwrap();
        for cut in 0..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(refused::<Rpi>(&path), "cut at {cut}");
        }
    }
}
