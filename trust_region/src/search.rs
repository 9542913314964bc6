//! Runs from one start after another: until a root is found, or for all roots.

use crate::blocks::{norm, project, strict_start};
use crate::local::{Column, Limits, Run, Workspace};
use crate::report::{Exit, Observer, Solution};
use crate::restart::Starts;
use crate::solver::Solver;
use crate::{Bounds, Error, Result, System};

/// What [`Solver::find_all`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct AllRoots {
    /// The roots, each once.
    pub roots: Vec<Vec<f64>>,
    /// Starts taken.
    pub starts: usize,
    /// Evaluations of F.
    pub evaluations: usize,
}

/// Sums over starts.
#[derive(Default)]
struct Total {
    iterations: usize,
    evaluations: usize,
    jacobians: usize,
    jacobian_evaluations: usize,
    shortest_steps: usize,
    linear_iterations: usize,
    restarts: usize,
}

impl Total {
    fn add(&mut self, run: &Run, number: usize) {
        self.iterations += run.iterations;
        self.evaluations += run.evaluations;
        self.jacobians += run.jacobians;
        self.jacobian_evaluations += run.jacobian_evaluations;
        self.shortest_steps += run.shortest_steps;
        self.linear_iterations += run.linear_iterations;
        self.restarts = number;
    }
}

impl Solver {
    /// The user's start as the method wants it: in the box, and strictly inside where it must stay there.
    fn first(&self, bounds: &Bounds, start: &[f64]) -> Column {
        let mut first = Column::from_slice(start);
        if self.method.touches_bounds() {
            project(bounds, &mut first);
        } else {
            strict_start(bounds, &mut first);
        }
        first
    }

    /// Starts until a root is found, the evaluations are spent or the observer stops.
    pub(crate) fn search(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        observer: &mut dyn Observer,
    ) -> Result<Solution> {
        let mut workspace = Workspace::new(system, self);
        workspace.x = self.first(bounds, start);
        let length = workspace.begin(system)?;
        let stop = self.tolerance + self.relative_tolerance * self.root_norm.of(&workspace.f, length);
        let mut starts = None;
        let mut total = Total::default();
        let mut best: Option<(Run, Column, Column)> = None;
        for number in 0.. {
            if number > 0 {
                let starts = starts.get_or_insert_with(|| Starts::new(bounds, self.first(bounds, start), self.seed));
                starts.next_into(&mut workspace.x);
                match workspace.begin(system) {
                    Ok(_) => {}
                    Err(Error::NonFinite { .. }) => {
                        total.evaluations += 1;
                        if total.evaluations >= self.max_evaluations {
                            break;
                        }
                        continue;
                    }
                    Err(other) => return Err(other),
                }
            }
            let left = self.max_evaluations - total.evaluations;
            let limits = Limits {
                solver: self,
                evaluations: if self.restart {
                    self.evaluations_per_start.min(left)
                } else {
                    left
                },
                stop,
                start: number,
            };
            let run = match workspace.run(system, bounds, &limits, observer) {
                // A bad Jacobian at a later start is no reason to lose what was found.
                Err(Error::NonFinite { .. }) if number > 0 => {
                    total.evaluations += 1;
                    if total.evaluations >= self.max_evaluations {
                        break;
                    }
                    continue;
                }
                other => other?,
            };
            total.add(&run, number);
            let over = matches!(run.exit, Exit::Root | Exit::Stopped)
                || !self.restart
                || total.evaluations >= self.max_evaluations;
            if over && best.is_none() {
                return self.report(&mut workspace, system, bounds, run, &total);
            }
            // In another norm than ‖F‖₂ a root need not have the least ‖F‖₂.
            if run.exit.is_root() || best.as_ref().is_none_or(|b| run.norm < b.0.norm) {
                best = Some((run, workspace.x.clone(), workspace.f.clone()));
            }
            if over {
                break;
            }
        }
        let (run, x, f) = best.ok_or(Error::NonFinite {
            what: "residual",
            index: 0,
        })?;
        workspace.x = x;
        workspace.f = f;
        self.report(&mut workspace, system, bounds, run, &total)
    }

    fn report(
        &self,
        workspace: &mut Workspace,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        run: Run,
        total: &Total,
    ) -> Result<Solution> {
        let square = system.equations() == system.variables();
        let (optimality, error_estimate) = match (run.exit.is_root(), square) {
            (true, true) => (f64::NAN, workspace.newton_length(system, bounds)?),
            (true, false) => (f64::NAN, None),
            (false, _) => (workspace.optimality(system, bounds)?, None),
        };
        let near = |x: f64, bound: f64| (x - bound).abs() <= 1e-8 * bound.abs().max(1.0);
        let sides = bounds.lower().iter().zip(bounds.upper());
        let points = workspace.x.iter().zip(sides).enumerate();
        let active = points.filter(|(_, (x, (l, u)))| near(**x, **l) || near(**x, **u));
        Ok(Solution {
            active: active.map(|(i, _)| i).collect(),
            norm: norm(&workspace.f),
            x: workspace.x.to_vec(),
            residual: workspace.f.to_vec(),
            exit: run.exit,
            optimality,
            stationary: optimality <= 1e-6,
            error_estimate,
            iterations: total.iterations,
            evaluations: total.evaluations,
            jacobians: total.jacobians,
            jacobian_evaluations: total.jacobian_evaluations,
            shortest_steps: total.shortest_steps,
            linear_iterations: total.linear_iterations,
            radius: run.radius,
            restarts: total.restarts,
        })
    }

    /// The roots that the first `starts` starts lead to.
    pub(crate) fn enumerate(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        starts: usize,
        observer: &mut dyn Observer,
    ) -> Result<AllRoots> {
        let mut workspace = Workspace::new(system, self);
        let first = self.first(bounds, start);
        workspace.x.copy_from_slice(&first);
        let mut points = Starts::new(bounds, first, self.seed);
        let mut all = AllRoots {
            roots: Vec::new(),
            starts: 0,
            evaluations: 0,
        };
        for number in 0..starts {
            if number > 0 {
                points.next_into(&mut workspace.x);
            }
            all.starts += 1;
            let run = workspace.begin(system).and_then(|length| {
                let size = self.root_norm.of(&workspace.f, length);
                let limits = Limits {
                    solver: self,
                    evaluations: self.evaluations_per_start.min(self.max_evaluations),
                    stop: self.tolerance + self.relative_tolerance * size,
                    start: number,
                };
                workspace.run(system, bounds, &limits, observer)
            });
            let run = match run {
                Err(Error::NonFinite { .. }) => {
                    all.evaluations += 1;
                    continue;
                }
                other => other?,
            };
            all.evaluations += run.evaluations;
            let same = |root: &Vec<f64>| {
                let parts = root.iter().zip(&workspace.x);
                let apart = parts.map(|(y, x)| (x - y).abs() / (1.0 + y.abs()));
                apart.fold(0.0, f64::max) < 1e-5
            };
            if run.exit.is_root() && !all.roots.iter().any(same) {
                all.roots.push(workspace.x.to_vec());
            }
            if run.exit == Exit::Stopped {
                break;
            }
        }
        Ok(all)
    }
}
