//! Fixed variables taken out: a system of the free ones.

use std::cell::RefCell;

use crate::blocks::{fixed_value, has_room, start_norm};
use crate::report::{Exit, Solution};
use crate::solver::Solver;
use crate::{Bounds, Error, Pattern, Result, Structure, System, UserError};

/// The system in the variables whose bounds leave room; the others stay at one of theirs.
pub(crate) struct Reduced<'a, S: ?Sized> {
    system: &'a S,
    outer: Bounds,
    bounds: Bounds,
    free: Vec<usize>,
    fixed: Vec<f64>,
    pattern: Option<Pattern>,
    scratch: RefCell<Scratch>,
}

struct Scratch {
    x: Vec<f64>,
    direction: Vec<f64>,
    entries: Vec<f64>,
}

impl<'a, S: System + ?Sized> Reduced<'a, S> {
    /// `None` when no variable is fixed: every pair of bounds has a number strictly between.
    pub(crate) fn new(system: &'a S, bounds: &Bounds) -> Result<Option<Self>> {
        let sides = || bounds.lower().iter().copied().zip(bounds.upper().iter().copied());
        let room = |&(l, u): &(f64, f64)| has_room(l, u);
        if sides().all(|side| room(&side)) {
            return Ok(None);
        }
        let sides: Vec<(f64, f64)> = sides().collect();
        let free: Vec<usize> = (0..sides.len()).filter(|&i| room(&sides[i])).collect();
        let fixed: Vec<f64> = sides
            .iter()
            .map(|&(l, u)| if has_room(l, u) { 0.0 } else { fixed_value(l, u) })
            .collect();
        let inner = Bounds::new(
            free.iter().map(|&i| sides[i].0).collect(),
            free.iter().map(|&i| sides[i].1).collect(),
        )?;
        let (pattern, entries) = match system.structure() {
            Structure::Dense => (None, system.equations() * system.variables()),
            Structure::MatrixFree => (None, 0),
            Structure::Sparse(pattern) => {
                let mut starts = vec![0];
                let mut rows = Vec::new();
                for &j in &free {
                    rows.extend_from_slice(pattern.column(j));
                    starts.push(rows.len());
                }
                (Some(Pattern::new(pattern.rows(), starts, rows)?), pattern.entries())
            }
        };
        let scratch = Scratch {
            x: fixed.clone(),
            direction: vec![0.0; fixed.len()],
            entries: vec![0.0; entries],
        };
        Ok(Some(Self {
            system,
            outer: bounds.clone(),
            bounds: inner,
            free,
            fixed,
            pattern,
            scratch: RefCell::new(scratch),
        }))
    }

    pub(crate) fn free(&self) -> &[usize] {
        &self.free
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// All variables for these free ones.
    pub(crate) fn full(&self, x: &[f64]) -> Vec<f64> {
        let mut full = self.fixed.clone();
        self.free.iter().zip(x).for_each(|(&i, &x)| full[i] = x);
        full
    }

    /// The solution in all variables; fixed ones count as active.
    pub(crate) fn expand(&self, solution: Solution) -> Solution {
        let inside: Vec<usize> = solution.active.iter().map(|&i| self.free[i]).collect();
        let active = (0..self.fixed.len())
            .filter(|i| !self.free.contains(i) || inside.contains(i))
            .collect();
        Solution {
            x: self.full(&solution.x),
            active,
            ..solution
        }
    }

    /// The only point there is, when no variable is free.
    pub(crate) fn all_fixed(&self, solver: &Solver) -> Result<Solution> {
        let mut residual = vec![0.0; self.system.equations()];
        self.system.residual(&self.fixed, &mut residual).map_err(Error::User)?;
        let norm = start_norm(&residual)?;
        let exit = if solver.root_norm.of(&residual, norm) <= solver.tolerance {
            Exit::Root
        } else {
            Exit::Stationary
        };
        Ok(Solution {
            x: self.fixed.clone(),
            residual,
            norm,
            exit,
            // Nothing can move; of roots the measure says nothing.
            optimality: if exit.is_root() { f64::NAN } else { 0.0 },
            stationary: !exit.is_root(),
            active: (0..self.fixed.len()).collect(),
            error_estimate: None,
            iterations: 0,
            evaluations: 1,
            jacobians: 0,
            jacobian_evaluations: 0,
            shortest_steps: 0,
            linear_iterations: 0,
            radius: 1.0,
            restarts: 0,
        })
    }

    fn fill(&self, x: &[f64], scratch: &mut Scratch) {
        self.free.iter().zip(x).for_each(|(&i, &x)| scratch.x[i] = x);
    }
}

impl<S: System + ?Sized> System for Reduced<'_, S> {
    fn variables(&self) -> usize {
        self.free.len()
    }

    fn equations(&self) -> usize {
        self.system.equations()
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) -> std::result::Result<(), UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        self.fill(x, scratch);
        self.system.residual(&scratch.x, f)
    }

    fn structure(&self) -> Structure<'_> {
        match &self.pattern {
            Some(pattern) => Structure::Sparse(pattern),
            None => match self.system.structure() {
                Structure::MatrixFree => Structure::MatrixFree,
                _ => Structure::Dense,
            },
        }
    }

    fn jacobian(&self, x: &[f64], f: &[f64], _: &Bounds, entries: &mut [f64]) -> std::result::Result<usize, UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        self.fill(x, scratch);
        let evaluations = self.system.jacobian(&scratch.x, f, &self.outer, &mut scratch.entries)?;
        let mut to = 0;
        for &j in &self.free {
            let from = match self.system.structure() {
                Structure::Sparse(pattern) => pattern.column_starts()[j]..pattern.column_starts()[j + 1],
                _ => j * self.equations()..(j + 1) * self.equations(),
            };
            entries[to..to + from.len()].copy_from_slice(&scratch.entries[from.clone()]);
            to += from.len();
        }
        Ok(evaluations)
    }

    fn product(&self, x: &[f64], p: &[f64], out: &mut [f64]) -> std::result::Result<(), UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        self.fill(x, scratch);
        scratch.direction.fill(0.0);
        self.free.iter().zip(p).for_each(|(&i, &p)| scratch.direction[i] = p);
        self.system.product(&scratch.x, &scratch.direction, out)
    }

    fn transpose_product(&self, x: &[f64], y: &[f64], out: &mut [f64]) -> std::result::Result<(), UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        self.fill(x, scratch);
        self.system.transpose_product(&scratch.x, y, &mut scratch.direction)?;
        self.free
            .iter()
            .zip(out)
            .for_each(|(&i, out)| *out = scratch.direction[i]);
        Ok(())
    }
}
