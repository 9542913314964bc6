//! Rows and columns that go by the names they have outside: users, documents, words.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::checkpoint;
use crate::error::{Result, SsvdError};
use crate::query::Similarity;
use crate::sparse::Csr;
use crate::update::{Augmentation, Stored, UpdateReport, UpdateTruncatedSvd, UpdatingSvd};

/// What can serve as a key.
pub trait Key: Clone + Eq + Hash + Debug {}

impl<K: Clone + Eq + Hash + Debug> Key for K {}

/// Distinct keys numbered from 0, in both directions.
#[derive(Debug, Clone)]
pub struct Keys<K> {
    what: &'static str,
    names: Vec<K>,
    index: HashMap<K, usize>,
}

impl<K: Key> Keys<K> {
    fn new(what: &'static str, names: Vec<K>) -> Result<Self> {
        let mut this = Self {
            what,
            names: Vec::new(),
            index: HashMap::new(),
        };
        names.into_iter().try_for_each(|name| this.push(name).map(|_| ()))?;
        Ok(this)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The number of a key.
    pub fn get(&self, key: &K) -> Option<usize> {
        self.index.get(key).copied()
    }

    /// The keys in the order of their numbers.
    pub fn names(&self) -> &[K] {
        &self.names
    }

    fn error(&self, key: &K, problem: &'static str) -> SsvdError {
        SsvdError::Key {
            what: self.what,
            key: format!("{key:?}"),
            problem,
        }
    }

    fn find(&self, key: &K) -> Result<usize> {
        self.get(key).ok_or_else(|| self.error(key, "is unknown"))
    }

    fn push(&mut self, key: K) -> Result<usize> {
        if self.index.contains_key(&key) {
            return Err(self.error(&key, "is there already"));
        }
        self.index.insert(key.clone(), self.names.len());
        self.names.push(key);
        Ok(self.names.len() - 1)
    }

    fn truncate(&mut self, count: usize) {
        for name in self.names.drain(count..) {
            self.index.remove(&name);
        }
    }

    fn remove(&mut self, numbers: &[usize]) {
        let gone: HashSet<usize> = numbers.iter().copied().collect();
        let mut number = 0..;
        self.names.retain(|_| number.next().is_none_or(|i| !gone.contains(&i)));
        self.index = self.names.iter().cloned().zip(0..).collect();
    }
}

/// An updating SVD whose rows and columns go by keys.
///
/// ```
/// use hadamard_ssvd::{Csr, Exact, Keyed, UpdatingSvd};
/// let mut ratings = Keyed::new(UpdatingSvd::empty(0, 0, 2, Exact)?, vec![], vec![])?;
/// ratings.add_rows([("ann", vec![("dune", 5.0), ("emma", 1.0)]), ("bob", vec![("dune", 4.0)])])?;
/// ratings.change_entries([("bob", "emma", 2.0)])?;
/// ratings.add_rows([("eve", vec![("ulysses", 3.0), ("emma", 1.0)])])?; // a new column
/// let (book, value) = ratings.top_entries(&"bob", 1, |book| *book != "dune")?[0];
/// assert!(*book == "emma" && value > 1.0);
/// # Ok::<(), hadamard_ssvd::SsvdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Keyed<R, C, M> {
    svd: UpdatingSvd<M>,
    rows: Keys<R>,
    columns: Keys<C>,
}

impl<R: Key, C: Key, M: Augmentation> Keyed<R, C, M> {
    /// Names the rows and columns of a decomposition, in order. Errs when their numbers differ or a key comes twice.
    pub fn new(svd: UpdatingSvd<M>, rows: Vec<R>, columns: Vec<C>) -> Result<Self> {
        if (rows.len(), columns.len()) != (svd.nrows(), svd.ncols()) {
            return Err(SsvdError::Shape {
                what: "keys",
                expected: format!("{} x {}", svd.nrows(), svd.ncols()),
                rows: rows.len(),
                cols: columns.len(),
            });
        }
        let (rows, columns) = (Keys::new("row key", rows)?, Keys::new("column key", columns)?);
        Ok(Self { svd, rows, columns })
    }

    /// The decomposition by numbers.
    pub fn svd(&self) -> &UpdatingSvd<M> {
        &self.svd
    }

    /// The keys of the rows.
    pub fn rows(&self) -> &Keys<R> {
        &self.rows
    }

    /// The keys of the columns.
    pub fn columns(&self) -> &Keys<C> {
        &self.columns
    }

    /// Appends rows under new keys; entries under new column keys append these columns first, empty. Entries under the
    /// same key are added.
    ///
    /// Errs on a row key that is there already and on values that are not finite or too large, and changes nothing
    /// then.
    pub fn add_rows<E>(&mut self, rows: impl IntoIterator<Item = (R, E)>) -> Result<UpdateReport>
    where
        E: IntoIterator<Item = (C, f64)>,
    {
        let svd = &mut self.svd;
        add(&mut self.rows, &mut self.columns, rows, |block, new| {
            svd.append_empty(0, new)?;
            let report = svd.add_rows(block);
            if report.is_err() {
                svd.drop_empty(0, new);
            }
            report
        })
    }

    /// Appends columns under new keys; entries under new row keys append these rows first. Errs on a column key that is
    /// there already, and otherwise as [`Keyed::add_rows`].
    pub fn add_columns<E>(&mut self, columns: impl IntoIterator<Item = (C, E)>) -> Result<UpdateReport>
    where
        E: IntoIterator<Item = (R, f64)>,
    {
        let svd = &mut self.svd;
        add(&mut self.columns, &mut self.rows, columns, |block, new| {
            svd.append_empty(new, 0)?;
            let report = block.try_transpose().and_then(|columns| svd.add_columns(&columns));
            if report.is_err() {
                svd.drop_empty(new, 0);
            }
            report
        })
    }

    /// Adds the numbers to the entries; see [`UpdateTruncatedSvd::change_entries`]. Errs on unknown keys.
    pub fn change_entries(&mut self, changes: impl IntoIterator<Item = (R, C, f64)>) -> Result<UpdateReport> {
        let number = |(row, column, x)| Ok((self.rows.find(&row)?, self.columns.find(&column)?, x));
        let changes: Vec<_> = changes.into_iter().map(number).collect::<Result<_>>()?;
        self.svd.change_entries(&changes)
    }

    /// Removes rows; the numbers of those behind move up. Errs on unknown keys.
    pub fn remove_rows(&mut self, keys: &[R]) -> Result<UpdateReport> {
        let numbers: Vec<usize> = keys.iter().map(|key| self.rows.find(key)).collect::<Result<_>>()?;
        let report = self.svd.remove_rows(&numbers)?;
        self.rows.remove(&numbers);
        Ok(report)
    }

    /// Removes columns; the numbers of those behind move up. Errs on unknown keys.
    pub fn remove_columns(&mut self, keys: &[C]) -> Result<UpdateReport> {
        let numbers: Vec<usize> = keys.iter().map(|key| self.columns.find(key)).collect::<Result<_>>()?;
        let report = self.svd.remove_columns(&numbers)?;
        self.columns.remove(&numbers);
        Ok(report)
    }

    /// See [`UpdateTruncatedSvd::forget`]. Errs unless `lambda` lies from 0 to 1.
    pub fn forget(&mut self, lambda: f64) -> Result<()> {
        self.svd.forget(lambda)
    }

    /// An entry of A_k. `None` for unknown keys.
    pub fn entry(&self, row: &R, column: &C) -> Option<f64> {
        self.svd.entry(self.rows.get(row)?, self.columns.get(column)?)
    }

    /// The `count` other rows of A_k most similar to that of `key`; see [`UpdatingSvd::similar_rows`]. Errs on an
    /// unknown key.
    pub fn similar_rows(&self, key: &R, count: usize, similarity: Similarity) -> Result<Vec<(&R, f64)>> {
        let found = self.svd.similar_rows(self.rows.find(key)?, count, similarity)?;
        Ok(found.into_iter().map(|(i, x)| (&self.rows.names[i], x)).collect())
    }

    /// The `count` largest entries of the row of `key` among the columns allowed; see [`UpdatingSvd::top_entries`].
    /// Errs on an unknown key.
    pub fn top_entries(&self, key: &R, count: usize, allowed: impl Fn(&C) -> bool) -> Result<Vec<(&C, f64)>> {
        let names = &self.columns.names;
        let found = self
            .svd
            .top_entries(self.rows.find(key)?, count, |j| allowed(&names[j]))?;
        Ok(found.into_iter().map(|(j, x)| (&names[j], x)).collect())
    }
}

/// Lines under new keys, with entries under known or new keys of the other side; `update` takes the lines and how many
/// keys of the other side are new. All keys are as before when it fails.
fn add<L: Key, O: Key, E: IntoIterator<Item = (O, f64)>>(
    lines: &mut Keys<L>,
    others: &mut Keys<O>,
    new: impl IntoIterator<Item = (L, E)>,
    update: impl FnOnce(&Csr, usize) -> Result<UpdateReport>,
) -> Result<UpdateReport> {
    let (first, known) = (lines.len(), others.len());
    let whole = || {
        let mut entries = Vec::new();
        for (key, line) in new {
            let at = lines.push(key)? - first;
            for (key, x) in line {
                let number = others.get(&key).map_or_else(|| others.push(key), Ok)?;
                entries.push((at, number, x));
            }
        }
        let block = Csr::from_triplets(lines.len() - first, others.len(), entries)?;
        update(&block, others.len() - known)
    };
    let report = whole();
    if report.is_err() {
        lines.truncate(first);
        others.truncate(known);
    }
    report
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct StoredKeyed<'a, R, C, M> {
    rows: Vec<R>,
    columns: Vec<C>,
    svd: Stored<'a, M>,
}

impl<R, C, M> Keyed<R, C, M>
where
    R: Key + Serialize + for<'a> Deserialize<'a>,
    C: Key + Serialize + for<'a> Deserialize<'a>,
    M: Augmentation + Serialize + for<'a> Deserialize<'a>,
{
    fn kind() -> String {
        format!("keyed {}", M::NAME)
    }

    /// Writes keys and state to `path`; see [`UpdatingSvd::save`]. Errs with [`SsvdError::Io`] when the file cannot be
    /// written or a key cannot be serialised.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let stored = StoredKeyed {
            rows: self.rows.names.clone(),
            columns: self.columns.names.clone(),
            svd: self.svd.store(),
        };
        checkpoint::write(path.as_ref(), &Self::kind(), &stored)
    }

    /// Reads what [`Keyed::save`] wrote with the same types of keys and the same method type. Errs as
    /// [`UpdatingSvd::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let stored: StoredKeyed<'static, R, C, M> = checkpoint::read(path, &Self::kind())?;
        let svd = UpdatingSvd::restore(stored.svd);
        svd.and_then(|svd| Self::new(svd, stored.rows, stored.columns).ok())
            .ok_or_else(|| checkpoint::contradiction(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exact, Gkl};

    type Ratings = Keyed<String, u32, Exact>;

    fn rows(names: &[&str], seed: u32) -> Vec<(String, Vec<(u32, f64)>)> {
        let entries = |i: u32| {
            (0..4)
                .map(|e| (100 + (i * 3 + e * (seed + 1)) % 9, f64::from(1 + (i + e) % 5)))
                .collect()
        };
        names
            .iter()
            .zip(seed..)
            .map(|(name, i)| (name.to_string(), entries(i)))
            .collect()
    }

    fn example() -> Ratings {
        let mut keyed = Keyed::new(UpdatingSvd::empty(0, 0, 5, Exact).unwrap(), vec![], vec![]).unwrap();
        keyed.add_rows(rows(&["a", "b", "c", "d"], 0)).unwrap();
        keyed
    }

    /// Everything that can be seen of a state.
    fn state(keyed: &Ratings) -> (crate::TruncatedSvd, Vec<String>, Vec<u32>) {
        (keyed.svd.svd(), keyed.rows.names.clone(), keyed.columns.names.clone())
    }

    #[test]
    fn keys_follow_rows_and_columns() {
        let mut keyed = example();
        let (before, m, n) = (keyed.svd.to_dense(), keyed.rows.len(), keyed.columns.len());
        keyed
            .add_columns([(7, vec![("b".to_string(), 2.0), ("new".to_string(), 3.0)])])
            .unwrap();
        assert_eq!((keyed.svd.nrows(), keyed.svd.ncols()), (m + 1, n + 1));
        assert_eq!(
            (keyed.rows.get(&"new".into()), keyed.columns.get(&7)),
            (Some(m), Some(n))
        );
        assert!((keyed.entry(&"new".into(), &7).unwrap() - 3.0).abs() < 1e-12);
        keyed.change_entries([("a".to_string(), 7, 1.5)]).unwrap();
        assert!((keyed.entry(&"a".into(), &7).unwrap() - 1.5).abs() < 1e-12);
        keyed.remove_rows(&["c".into(), "a".into()]).unwrap();
        assert_eq!(keyed.rows.names(), ["b", "d", "new"]);
        for (at, old) in [(0, 1), (1, 3)] {
            for j in 0..n {
                assert!((keyed.svd.entry(at, j).unwrap() - before[(old, j)]).abs() < 1e-12);
            }
        }
        keyed.remove_columns(&[7]).unwrap();
        assert!(keyed.columns.get(&7).is_none() && keyed.entry(&"b".into(), &7).is_none());
        let nearest = keyed.similar_rows(&"b".into(), 9, Similarity::Cosine).unwrap();
        assert!(nearest.len() == 2 && nearest.iter().all(|x| x.0 != "b"));
    }

    #[test]
    fn refused_calls_change_nothing() {
        let mut keyed = example();
        let before = state(&keyed);
        let error = keyed.add_rows(rows(&["x", "b"], 3)).unwrap_err();
        assert!(
            matches!(&error, SsvdError::Key { key, .. } if key == "\"b\""),
            "{error}"
        );
        assert!(keyed.add_rows(rows(&["x", "x"], 3)).is_err());
        assert!(
            keyed
                .add_rows([("x".to_string(), vec![(5, 1.0), (6, f64::NAN)])])
                .is_err()
        );
        // Too large for a norm: the update itself fails, after the new columns.
        let huge = vec![(5, f64::MAX), (6, f64::MAX), (7, f64::MAX), (8, f64::MAX)];
        assert!(keyed.add_rows([("x".to_string(), huge)]).is_err());
        assert!(
            keyed
                .add_columns([(5, vec![("y".to_string(), f64::INFINITY)])])
                .is_err()
        );
        assert!(keyed.change_entries([("y".to_string(), 100, 1.0)]).is_err());
        assert!(keyed.remove_rows(&["y".to_string()]).is_err() && keyed.remove_columns(&[1]).is_err());
        assert!(keyed.top_entries(&"y".into(), 1, |_| true).is_err());
        assert_eq!(state(&keyed), before);
        let svd = UpdatingSvd::empty(2, 1, 1, Exact).unwrap();
        assert!(Keyed::new(svd.clone(), vec![1, 1], vec![1]).is_err());
        assert!(Keyed::new(svd, vec![1], vec![1]).is_err());
    }

    #[test]
    fn keys_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let keyed = example();
        keyed.save(&path).unwrap();
        assert_eq!(state(&Ratings::load(&path).unwrap()), state(&keyed));
        assert!(matches!(
            UpdatingSvd::<Exact>::load(&path),
            Err(SsvdError::Method { .. })
        ));
        assert!(matches!(
            Keyed::<String, u32, Gkl>::load(&path),
            Err(SsvdError::Method { .. })
        ));
        keyed.svd.save(&path).unwrap();
        assert!(matches!(Ratings::load(&path), Err(SsvdError::Method { .. })));
    }
}
