//! Tables of participants and recordings, as BIDS has them: tab-separated, one header line, `n/a` for missing values.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A table with a column `participant_id`, one row a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    path: PathBuf,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a tab-separated file (comma-separated when its name ends in `.csv`).
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or is no table, a line has another number of fields than the
    /// header, the column `participant_id` is missing, or there is no row.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let refuse = |cause: String| Error::File {
            path: path.into(),
            cause,
        };
        let comma = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let file = std::fs::File::open(path).map_err(|cause| refuse(cause.to_string()))?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(if comma { b',' } else { b'\t' })
            .trim(csv::Trim::All)
            .from_reader(file);
        let fields = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let mut header = fields(reader.headers().map_err(|cause| refuse(one_line(&cause)))?);
        if let Some(first) = header.first_mut() {
            // Spreadsheets put a byte-order mark in front.
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        let rows = reader
            .records()
            .map(|record| {
                record
                    .map(|record| fields(&record))
                    .map_err(|cause| refuse(one_line(&cause)))
            })
            .collect::<Result<Vec<_>>>()?;
        if rows.is_empty() {
            return Err(refuse("the table has no row".into()));
        }
        let table = Self {
            path: path.into(),
            header,
            rows,
        };
        table.required("participant_id")?;
        Ok(table)
    }

    /// Where the table was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a table has a row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `participant_id` of every row.
    ///
    /// # Errors
    /// [`Error::File`] naming the row where it is missing.
    pub fn participants(&self) -> Result<Vec<String>> {
        self.texts("participant_id")
    }

    /// Number of the person of every row: rows with the same `participant_id` share a number.
    ///
    /// # Errors
    /// As [`Self::participants`].
    pub fn persons(&self) -> Result<Vec<usize>> {
        let names = self.participants()?;
        let mut seen: Vec<&String> = Vec::new();
        let numbers = names.iter().map(|name| {
            seen.iter().position(|known| *known == name).unwrap_or_else(|| {
                seen.push(name);
                seen.len() - 1
            })
        });
        Ok(numbers.collect())
    }

    /// Texts of a column.
    ///
    /// # Errors
    /// [`Error::File`] naming the column that is missing, or the row without a value.
    pub fn texts(&self, column: &str) -> Result<Vec<String>> {
        let index = self.required(column)?;
        self.rows
            .iter()
            .enumerate()
            .map(|(row, fields)| match known(&fields[index]) {
                Some(text) => Ok(text.to_owned()),
                None => Err(self.refuse_row(row, format!("{column} is missing"))),
            })
            .collect()
    }

    /// Numbers of a column, such as `age`.
    ///
    /// # Errors
    /// As [`Self::texts`], and for a text that is no finite number.
    pub fn numbers(&self, column: &str) -> Result<Vec<f64>> {
        let texts = self.texts(column)?;
        let parse = |(row, text): (usize, &String)| match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.refuse_row(row, format!("{column} is '{text}', expected a number"))),
        };
        texts.iter().enumerate().map(parse).collect()
    }

    /// Classes of a column, numbered in the order of their names, and the names.
    ///
    /// # Errors
    /// As [`Self::texts`]; [`Error::File`] when all rows have one class.
    pub fn classes(&self, column: &str) -> Result<(Vec<usize>, Vec<String>)> {
        let texts = self.texts(column)?;
        let names: Vec<String> = texts.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        if names.len() < 2 {
            return Err(self.refuse(format!("every row has {column} '{}', nothing to tell apart", names[0])));
        }
        let number = |text: &String| names.binary_search(text).expect("every name is in the list");
        Ok((texts.iter().map(number).collect(), names))
    }

    /// Recording of every row: the column `file` (relative to `directory`) when there is one, otherwise the one file
    /// among `candidates` whose name is the `participant_id` or continues it with `_`.
    ///
    /// # Errors
    /// [`Error::File`] naming the file that does not exist, or the row for which no file or more than one is found.
    pub fn files(&self, directory: &Path, candidates: &[PathBuf]) -> Result<Vec<PathBuf>> {
        if self.column("file").is_some() {
            let paths = self.texts("file")?.into_iter().map(|file| directory.join(file));
            return paths
                .map(|path| match path.is_file() {
                    true => Ok(path),
                    false => Err(Error::File {
                        path,
                        cause: "no such file".into(),
                    }),
                })
                .collect();
        }
        self.participants()?
            .iter()
            .enumerate()
            .map(|(row, id)| {
                let belongs = |path: &&PathBuf| {
                    path.file_stem().is_some_and(|stem| {
                        let rest = stem.to_str().and_then(|stem| stem.strip_prefix(id.as_str()));
                        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
                    })
                };
                let found: Vec<&PathBuf> = candidates.iter().filter(belongs).collect();
                match found.as_slice() {
                    [one] => Ok((*one).clone()),
                    [] => Err(self.refuse_row(row, "no recording found; name it in a column 'file'".into())),
                    several => Err(self.refuse_row(
                        row,
                        format!("{} recordings found; name one in a column 'file'", several.len()),
                    )),
                }
            })
            .collect()
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    fn required(&self, name: &str) -> Result<usize> {
        self.column(name)
            .ok_or_else(|| self.refuse(format!("no column '{name}', found: {}", self.header.join(", "))))
    }

    fn refuse(&self, cause: String) -> Error {
        Error::File {
            path: self.path.clone(),
            cause,
        }
    }

    /// Lines are counted as an editor does, the header being line 1.
    fn refuse_row(&self, row: usize, cause: String) -> Error {
        let id = self.column("participant_id").map_or("", |index| &self.rows[row][index]);
        self.refuse(format!("line {} ({id}): {cause}", row + 2))
    }
}

/// The value, unless it is empty or `n/a`.
fn known(field: &str) -> Option<&str> {
    let missing = field.is_empty() || field.eq_ignore_ascii_case("n/a") || field.eq_ignore_ascii_case("nan");
    (!missing).then_some(field)
}

fn one_line(cause: &csv::Error) -> String {
    cause.to_string().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, text: &str) -> Result<Table> {
        let folder = std::env::temp_dir().join(format!("hadamard-table-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        let read = Table::read(&path);
        std::fs::remove_dir_all(&folder).unwrap();
        read
    }

    #[test]
    fn rows_become_numbers_classes_and_persons() {
        let t = table(
            "a.tsv",
            "participant_id\tage\tcondition\ns1\t20\trest\ns1\t20.5\ttask\ns2\t31\trest\n",
        )
        .unwrap();
        assert_eq!(t.numbers("age").unwrap(), vec![20.0, 20.5, 31.0]);
        assert_eq!(t.persons().unwrap(), vec![0, 0, 1]);
        assert_eq!(
            t.classes("condition").unwrap(),
            (vec![0, 1, 0], vec!["rest".into(), "task".into()])
        );
    }

    #[test]
    fn commas_and_a_byte_order_mark_are_read() {
        let t = table("b.csv", "\u{feff}participant_id,age\n s1 , 20\n").unwrap();
        assert_eq!(t.numbers("age").unwrap(), vec![20.0]);
    }

    #[test]
    fn what_is_missing_is_named_in_one_line() {
        let cases: [(&str, &str, &str); 5] = [
            ("c.tsv", "age\n3\n", "no column 'participant_id'"),
            ("d.tsv", "participant_id\tage\n", "no row"),
            ("e.tsv", "participant_id\tage\ns1\tn/a\n", "line 2 (s1): age is missing"),
            ("f.tsv", "participant_id\tage\ns1\told\n", "age is 'old'"),
            ("g.tsv", "participant_id\tage\ns1\n", "g.tsv"),
        ];
        for (name, text, expected) in cases {
            let error = table(name, text)
                .and_then(|t| t.numbers("age").map(|_| ()))
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        }
        assert!(
            Table::read("/nowhere/participants.tsv")
                .unwrap_err()
                .to_string()
                .contains("/nowhere")
        );
    }

    #[test]
    fn files_are_found_by_participant() {
        let t = table("h.tsv", "participant_id\tage\nsub-1\t3\n").unwrap();
        let candidates = ["x/sub-1_task-rest_eeg.edf", "x/sub-10_eeg.edf"].map(PathBuf::from);
        assert_eq!(
            t.files(Path::new("x"), &candidates).unwrap(),
            vec![candidates[0].clone()]
        );
        assert!(
            t.files(Path::new("x"), &candidates[1..])
                .unwrap_err()
                .to_string()
                .contains("no recording")
        );
    }
}
