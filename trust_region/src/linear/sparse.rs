//! Sparse Newton steps: banded LU near the diagonal, else LU with one symbolic analysis for all iterations.

use faer::Conj;
use faer::linalg::solvers::SolveCore;
use faer::sparse::linalg::solvers;
use faer::sparse::{SparseColMatRef, SymbolicSparseColMat};

use super::banded::Band;
use crate::Pattern;

/// The pattern and its symbolic factorisation.
pub(crate) struct Lu {
    columns: usize,
    structure: SymbolicSparseColMat<usize>,
    band: Option<Band>,
    analysis: Option<solvers::SymbolicLu<usize>>,
}

impl Lu {
    pub(crate) fn new(pattern: &Pattern) -> Self {
        let structure = SymbolicSparseColMat::new_checked(
            pattern.rows(),
            pattern.columns(),
            pattern.column_starts().to_vec(),
            None,
            pattern.row_indices().to_vec(),
        );
        let band = Band::new(pattern);
        let square = pattern.rows() == pattern.columns();
        // Without an analysis (too large for memory) steps are found by LSMR.
        let analysis = if square && band.is_none() {
            solvers::SymbolicLu::try_new(structure.as_ref()).ok()
        } else {
            None
        };
        Self {
            columns: pattern.columns(),
            structure,
            band,
            analysis,
        }
    }

    /// x with A x = b; false when A is singular or the solution is not finite.
    pub(crate) fn solve(&mut self, entries: &[f64], b: &[f64], x: &mut [f64]) -> bool {
        if let Some(band) = &mut self.band {
            x.copy_from_slice(b);
            let solved = band.solve(self.structure.col_ptr(), self.structure.row_idx(), entries, x);
            return solved && x.iter().all(|v| v.is_finite());
        }
        let Some(analysis) = &self.analysis else { return false };
        let a = SparseColMatRef::new(self.structure.as_ref(), entries);
        let Ok(lu) = solvers::Lu::try_new_with_symbolic(analysis.clone(), a) else {
            return false;
        };
        x.copy_from_slice(b);
        let n = x.len();
        lu.solve_in_place_with_conj(Conj::No, faer::MatMut::from_column_major_slice_mut(x, n, 1));
        x.iter().all(|v| v.is_finite())
    }

    fn column(&self, j: usize) -> std::ops::Range<usize> {
        let starts = self.structure.col_ptr();
        starts[j]..starts[j + 1]
    }

    pub(crate) fn product(&self, entries: &[f64], p: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let rows = self.structure.row_idx();
        for j in 0..self.columns {
            for at in self.column(j) {
                out[rows[at]] += entries[at] * p[j];
            }
        }
    }

    pub(crate) fn transpose_product(&self, entries: &[f64], y: &[f64], out: &mut [f64]) {
        let rows = self.structure.row_idx();
        for (j, out) in out.iter_mut().enumerate() {
            *out = self.column(j).map(|at| entries[at] * y[rows[at]]).sum();
        }
    }
}
