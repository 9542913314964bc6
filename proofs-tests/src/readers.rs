//! Every file reader on arbitrary bytes: one function a format, shared by the fuzz targets and the replay of their corpus.
//!
//! Each function returns normally on any input; what a reader accepts is asked for everything it offers, and numbers that
//! come out of a header must be finite.

use std::cell::OnceCell;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use hadamard_meeg::io::{self, Arrays, bdf};
use hadamard_meeg::table::Table;
use hadamard_ssvd::{
    Adaptive, Augmentation, Csr, Exact, Gkl, Rpi, UpdateTruncatedSvd, UpdatingSvd, libsvm_rows, read_edges,
    read_libsvm, read_matrix_market, read_npz, write_matrix_market, write_npz,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A reader driven by bytes.
pub type Target = fn(&[u8]);

/// The formats by name; a corpus folder has the name of its format.
pub const TARGETS: [(&str, Target); 9] = [
    ("edf", edf),
    ("bdf", bdf),
    ("meeg_npz", meeg_npz),
    ("table", table),
    ("matrix_market", matrix_market),
    ("ssvd_npz", ssvd_npz),
    ("edges", edges),
    ("libsvm", libsvm),
    ("checkpoint", checkpoint),
];

/// Most numbers asked of an accepted file, so that a run stays short.
const MOST: usize = 1 << 16;

/// A file with these bytes; each thread has one folder, in memory where the system offers that.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    thread_local! {
        static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
    }
    let path = FOLDER.with(|folder| {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            std::env::temp_dir()
        };
        let make = || TempDir::new_in(base).expect("a temporary folder can be made");
        folder.get_or_init(make).path().join(name)
    });
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    path
}

fn finite(what: &str, numbers: &[f64]) {
    assert!(numbers.iter().all(|x| x.is_finite()), "{what} is not finite");
}

/// An EDF file.
pub fn edf(bytes: &[u8]) {
    recording(&file("x.edf", bytes));
}

/// A BDF file.
pub fn bdf(bytes: &[u8]) {
    recording(&file("x.bdf", bytes));
}

fn recording(path: &Path) {
    let Ok(recording) = io::open(path) else { return };
    let _ = (recording.scalp_channels(), recording.segments());
    for (index, channel) in recording.channels().iter().enumerate() {
        finite("sampling rate", &[channel.sampling_rate]);
        assert!(channel.sampling_rate > 0.0);
        let Ok(signal) = recording.read(&[index], ..channel.samples.min(MOST)) else {
            continue;
        };
        finite("start", &[signal.start()]);
        finite("sample", signal.channel(0));
    }
    for annotation in recording.annotations() {
        finite("annotation", &[annotation.onset, annotation.duration]);
    }
    let all: Vec<usize> = (0..recording.channels().len()).collect();
    for segment in recording.segments().into_iter().take(4) {
        let _ = recording.read(&all, segment.start..segment.end.min(segment.start + MOST));
    }
    if let Some(first) = recording.channels().first() {
        let _ = bdf::triggers(&recording, &first.label);
    }
}

/// A `.npy` or `.npz` of M/EEG. After a first byte `z` the rest is taken for the `.npy` inside an archive, whose checksum
/// would otherwise stand between the bytes and the reader.
pub fn meeg_npz(bytes: &[u8]) {
    let path = match bytes.split_first() {
        Some((b'z', inner)) => file("x.npz", &archive(&[("a", inner)])),
        _ => file("x.npz", bytes),
    };
    let Ok(arrays) = Arrays::open(path) else { return };
    for name in arrays.names().into_iter().take(8) {
        if let Ok(array) = arrays.array(name) {
            assert_eq!(array.shape.iter().product::<usize>(), array.data.len());
        }
        let _ = arrays.integers(name);
        if let Ok(batch) = arrays.symmetric(name) {
            assert!(batch.iter().all(|a| a.iter().all(|x| x.is_finite())));
        }
        let _ = arrays.covariances(name);
        let _ = arrays.epochs(name, 100.0, None);
    }
}

/// A table of participants: after a first byte `,` a comma-separated one.
pub fn table(bytes: &[u8]) {
    let path = match bytes.split_first() {
        Some((b',', rest)) => file("x.csv", rest),
        _ => file("x.tsv", bytes),
    };
    let Ok(table) = Table::read(path) else { return };
    assert!(!table.is_empty());
    let _ = (table.participants(), table.persons(), table.classes("condition"));
    if let Ok(ages) = table.numbers("age") {
        finite("age", &ages);
    }
    let _ = table.files(Path::new("."), &["s1_eeg.edf".into()]);
}

/// Whether a text names a number so large that an honest reader of it would fill the memory: the order of a matrix takes
/// a row offset each.
fn immense(bytes: &[u8]) -> bool {
    bytes.split(|b| !b.is_ascii_digit()).any(|digits| {
        let digits = digits.iter().skip_while(|&&d| d == b'0').count();
        digits > 6
    })
}

fn sparse(a: &Csr) {
    let parts = a.clone().into_parts();
    let again = Csr::new(a.nrows(), a.ncols(), parts.0, parts.1, parts.2).expect("what a reader returns is sound");
    assert_eq!(&again, a);
}

/// A Matrix Market file; what was read is written and read again.
pub fn matrix_market(bytes: &[u8]) {
    if immense(bytes) {
        return;
    }
    let Ok(a) = read_matrix_market(file("x.mtx", bytes)) else {
        return;
    };
    sparse(&a);
    if a.nnz() < MOST {
        let path = file("y.mtx", b"");
        write_matrix_market(&path, &a).expect("a matrix can be written");
        assert_eq!(read_matrix_market(&path).expect("what was written can be read"), a);
    }
}

/// A scipy `.npz`. After a first byte `z` the rest holds the six arrays, each behind its length in two bytes.
pub fn ssvd_npz(bytes: &[u8]) {
    let path = match bytes.split_first() {
        Some((b'z', mut rest)) => {
            let mut parts = Vec::new();
            for name in ["format", "shape", "data", "indices", "indptr", "row", "col"] {
                let Some((length, after)) = rest.split_first_chunk::<2>() else {
                    break;
                };
                let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
                let (part, after) = after.split_at(length);
                parts.push((name, part));
                rest = after;
            }
            // A shape of four bytes a number cannot be screened as text: larger ones are left to the reader's own limit.
            if let Some((_, shape)) = parts.get(1)
                && shape.rchunks(8).take(2).any(|n| n.iter().skip(3).any(|&b| b != 0))
            {
                return;
            }
            file("x.npz", &archive(&parts))
        }
        _ => file("x.npz", bytes),
    };
    if let Ok(a) = read_npz(path) {
        sparse(&a);
        let path = file("y.npz", b"");
        write_npz(&path, &a).expect("a matrix can be written");
        assert_eq!(read_npz(&path).expect("what was written can be read"), a);
    }
}

/// An edge list, directed and not.
pub fn edges(bytes: &[u8]) {
    if immense(bytes) {
        return;
    }
    let path = file("x.edges", bytes);
    for symmetric in [false, true] {
        if let Ok(a) = read_edges(&path, symmetric) {
            sparse(&a);
        }
    }
}

/// A libsvm file, with the number of columns given and not.
pub fn libsvm(bytes: &[u8]) {
    let path = file("x.libsvm", bytes);
    for columns in [None, Some(8)] {
        if let Ok((a, labels)) = read_libsvm(&path, columns) {
            sparse(&a);
            assert_eq!(a.nrows(), labels.len());
            finite("label", &labels);
        }
    }
    let Ok(rows) = libsvm_rows(&path) else { return };
    for row in rows {
        let Ok((label, _)) = row else { return };
        finite("label", &[label]);
    }
}

/// A checkpoint. After a first byte 0 to 3 the rest is a state, which is given a true header and the name of its method,
/// said by the byte (the checksum would otherwise stand between the bytes and the reader).
pub fn checkpoint(bytes: &[u8]) {
    let path = match bytes.split_first() {
        Some((&method @ 0..=3, state)) => {
            let name = ["exact", "gkl", "rpi", "adaptive"][usize::from(method)];
            let mut payload = vec![name.len() as u8];
            payload.extend(name.as_bytes());
            payload.extend(state);
            let mut whole = b"HDMDSSVD".to_vec();
            whole.extend(2u32.to_le_bytes());
            whole.extend((payload.len() as u64).to_le_bytes());
            whole.extend(crc32fast::hash(&payload).to_le_bytes());
            whole.extend(payload);
            file("x.state", &whole)
        }
        _ => file("x.state", bytes),
    };
    match bytes.first().unwrap_or(&0) {
        0 => state::<Exact>(&path),
        1 => state::<Gkl>(&path),
        2 => state::<Rpi>(&path),
        _ => state::<Adaptive>(&path),
    }
}

/// What loads must serve: queries, an update of each kind, and be saved again.
fn state<M: Augmentation + Serialize + DeserializeOwned>(path: &Path) {
    let Ok(mut svd) = UpdatingSvd::<M>::load(path) else {
        return;
    };
    svd.save(path).expect("a state can be saved");
    assert!(UpdatingSvd::<M>::load(path).is_ok(), "what was saved can be loaded");
    finite("singular value", svd.singular_values());
    let _ = (
        svd.u_row(0),
        svd.v_row(0),
        svd.condition(),
        svd.memory(),
        svd.error_bound(),
    );
    let _ = (svd.orthogonality_error(), svd.explained_energy());
    if svd.nrows().max(svd.ncols()) > MOST || svd.target_rank() > 64 {
        return;
    }
    let _ = svd.svd();
    let row = Csr::from_triplets(1, svd.ncols(), (svd.ncols() > 0).then_some((0, 0, 1.5)));
    let _ = svd.add_rows(&row.expect("one entry inside"));
    finite("singular value", svd.singular_values());
    let _ = svd.change_entries(&[(0, 0, 0.5)]);
    let _ = svd.remove_columns(&[0]);
    let _ = svd.rebase();
    finite("singular value", svd.singular_values());
}

/// An archive of stored `.npy` files.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(format!("{name}.npy"), stored)
            .and_then(|()| Ok(zip.write_all(bytes)?))
            .expect("an archive in memory can be written");
    }
    zip.finish().expect("an archive in memory can be ended").into_inner()
}
