//! Sparse Newton steps: banded LU near the diagonal, Cholesky for symmetric positive definite Jacobians, else LU; one
//! symbolic analysis for all iterations.

use faer::linalg::solvers::SolveCore;
use faer::sparse::linalg::solvers;
use faer::sparse::{SparseColMatRef, SymbolicSparseColMat};
use faer::{Conj, MatMut, Side};

use super::banded::Band;
use super::products::Layout;
use crate::Pattern;

/// The pattern and its symbolic factorisations.
pub(crate) struct Factors {
    pattern: Pattern,
    layout: Layout,
    kind: Kind,
}

enum Kind {
    Band(Box<Band>),
    General(Box<General>),
    /// Not square: no factors.
    None,
}

/// Any other pattern.
struct General {
    structure: SymbolicSparseColMat<usize>,
    /// Where the transposed entry of each stands; `None` when the pattern is not symmetric.
    mirror: Option<Vec<usize>>,
    cholesky: Analysis<solvers::SymbolicLlt<usize>>,
    lu: Analysis<solvers::SymbolicLu<usize>>,
    numeric: Numeric,
}

/// The factors made last.
enum Numeric {
    None,
    Cholesky(Box<solvers::Llt<usize, f64>>),
    Lu(Box<solvers::Lu<usize, f64>>),
}

/// A symbolic factorisation, made when it is first wanted.
enum Analysis<T> {
    NotYet,
    Made(T),
    /// It does not fit into memory.
    Failed,
}

impl<T: Clone> Analysis<T> {
    fn get(&mut self, make: impl FnOnce() -> Option<T>) -> Option<T> {
        if let Self::NotYet = self {
            *self = make().map_or(Self::Failed, Self::Made);
        }
        match self {
            Self::Made(analysis) => Some(analysis.clone()),
            _ => None,
        }
    }
}

impl Factors {
    pub(crate) fn new(pattern: &Pattern) -> Self {
        let kind = if pattern.rows() != pattern.columns() {
            Kind::None
        } else if let Some(band) = Band::new(pattern) {
            Kind::Band(Box::new(band))
        } else {
            Kind::General(Box::new(General {
                structure: SymbolicSparseColMat::new_checked(
                    pattern.rows(),
                    pattern.columns(),
                    pattern.column_starts().to_vec(),
                    None,
                    pattern.row_indices().to_vec(),
                ),
                mirror: mirror(pattern),
                cholesky: Analysis::NotYet,
                lu: Analysis::NotYet,
                numeric: Numeric::None,
            }))
        };
        Self {
            pattern: pattern.clone(),
            layout: Layout::new(pattern),
            kind,
        }
    }

    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Factors A; false when it is singular or there is no room for the factors.
    pub(crate) fn factor(&mut self, entries: &[f64]) -> bool {
        match &mut self.kind {
            Kind::None => false,
            Kind::Band(band) => band.factor(&self.pattern, entries),
            Kind::General(general) => general.factor(entries),
        }
    }

    /// x with A x = b for the matrix factored last; false when x is not finite, or nothing has been factored.
    pub(crate) fn solve(&mut self, b: &[f64], x: &mut [f64]) -> bool {
        let n = x.len();
        match &mut self.kind {
            Kind::Band(band) => band.solve(b, x),
            Kind::General(general) => {
                x.copy_from_slice(b);
                let x = MatMut::from_column_major_slice_mut(x, n, 1);
                match &general.numeric {
                    Numeric::Cholesky(factors) => factors.solve_in_place_with_conj(Conj::No, x),
                    Numeric::Lu(factors) => factors.solve_in_place_with_conj(Conj::No, x),
                    Numeric::None => return false,
                }
            }
            Kind::None => return false,
        }
        x.iter().fold(true, |all, v| all & v.is_finite())
    }

    pub(crate) fn product(&self, entries: &[f64], p: &[f64], out: &mut [f64]) {
        self.layout.product(&self.pattern, entries, p, out);
    }

    pub(crate) fn transpose_product(&self, entries: &[f64], y: &[f64], out: &mut [f64]) {
        self.layout.transpose_product(&self.pattern, entries, y, out);
    }
}

impl General {
    fn factor(&mut self, entries: &[f64]) -> bool {
        // The old factors go before there is room for new ones.
        self.numeric = Numeric::None;
        let structure = self.structure.as_ref();
        let a = SparseColMatRef::new(structure, entries);
        let symmetric = |mirror: &Vec<usize>| mirror.iter().zip(entries).all(|(&at, v)| entries[at] == *v);
        if self.mirror.as_ref().is_some_and(symmetric) {
            let analysis = self
                .cholesky
                .get(|| solvers::SymbolicLlt::try_new(structure, Side::Lower).ok());
            let factors = analysis.and_then(|s| solvers::Llt::try_new_with_symbolic(s, a, Side::Lower).ok());
            if let Some(factors) = factors {
                self.numeric = Numeric::Cholesky(Box::new(factors));
                return true;
            }
        }
        // Not definite here: not likely to be so at the next points either.
        self.mirror = None;
        let analysis = self.lu.get(|| solvers::SymbolicLu::try_new(structure).ok());
        let factors = analysis.and_then(|s| solvers::Lu::try_new_with_symbolic(s, a).ok());
        self.numeric = factors.map_or(Numeric::None, |f| Numeric::Lu(Box::new(f)));
        matches!(self.numeric, Numeric::Lu(_))
    }
}

/// The place of entry (j, i) for each entry (i, j); `None` when one is missing.
fn mirror(pattern: &Pattern) -> Option<Vec<usize>> {
    let starts = pattern.column_starts();
    let mut places = Vec::with_capacity(pattern.entries());
    // Rows ascend within a column and columns are visited in order, so each column's next place only moves forward.
    let mut next = starts[..pattern.columns()].to_vec();
    for j in 0..pattern.columns() {
        for &i in pattern.column(j) {
            let at = next[i];
            if at >= starts[i + 1] || pattern.row_indices()[at] != j {
                return None;
            }
            next[i] += 1;
            places.push(at);
        }
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// −Δ on a k×k grid plus a shift, and the same with one side made smaller.
    fn grid(side: usize, skew: f64) -> (Pattern, Vec<f64>) {
        let n = side * side;
        let (mut starts, mut rows, mut entries) = (vec![0], Vec::new(), Vec::new());
        for j in 0..n {
            let near = |i: usize| (i % side == j % side || i / side == j / side) && i.abs_diff(j) <= side;
            let adjacent = |i: usize| i.abs_diff(j) == side || i.abs_diff(j) == 1;
            for i in (0..n).filter(|&i| i == j || near(i) && adjacent(i)) {
                rows.push(i);
                entries.push(if i == j {
                    4.5
                } else if i < j {
                    -1.0
                } else {
                    -1.0 + skew
                });
            }
            starts.push(rows.len());
        }
        (Pattern::new(n, starts, rows).unwrap(), entries)
    }

    #[test]
    fn symmetric_and_other_matrices_are_solved() {
        for (skew, sign) in [(0.0, 1.0), (0.25, 1.0), (0.0, -1.0)] {
            let (pattern, mut entries) = grid(30, skew);
            entries.iter_mut().for_each(|v| *v *= sign);
            let mut factors = Factors::new(&pattern);
            let right: Vec<f64> = (0..900).map(|i| (f64::from(i) * 0.7).sin()).collect();
            let (mut x, mut image) = (vec![0.0; 900], vec![0.0; 900]);
            for _ in 0..2 {
                assert!(factors.factor(&entries) && factors.solve(&right, &mut x));
                factors.product(&entries, &x, &mut image);
                // Diagonally dominant, so well conditioned.
                assert!(image.iter().zip(&right).all(|(i, r)| (i - r).abs() < 1e-13));
            }
        }
    }
}
