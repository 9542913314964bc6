//! Exact optimal transport by the primal network simplex method.

use nalgebra::DMatrix;

use super::checked_problem;
use crate::error::{Error, Result, in_range};
use crate::sliced::PlanEntry;

/// An optimal coupling.
#[derive(Debug, Clone, PartialEq)]
pub struct TransportPlan {
    /// At most n + m − 1 entries of positive mass, by source and then by target.
    pub entries: Vec<PlanEntry>,
    /// Σ mass · cost.
    pub cost: f64,
    /// Dual potentials f_i and g_j with f_i + g_j ≤ C_ij up to rounding; Σ a_i f_i + Σ b_j g_j = cost certifies the plan.
    /// −∞ for points without mass, which bind nothing.
    pub potentials: (Vec<f64>, Vec<f64>),
    /// Pivots made.
    pub pivots: usize,
}

/// min Σ π_ij C_ij over couplings π of the masses `a` (rows) and `b` (columns), uniform for `None`.
///
/// For costs that are p-th powers of a distance the value is W_p^p. A spanning tree is improved pivot by pivot, the
/// entering arc by block search, the leaving arc so that the tree stays strongly feasible (no cycling). O(n + m)
/// memory beyond the cost. About O(n³) time: 10⁶ arcs in a few tenths of a second.
///
/// # Errors
/// [`Error::Empty`], [`Error::NonFinite`] for a cost, [`Error::InvalidWeights`], [`Error::OutOfRange`] for costs beyond
/// about 1e308/(n + m), whose sums overflow, [`Error::NoConvergence`] when rounding keeps the pivots from ending.
///
/// Source: Cunningham 1976; Kelly & O'Neill 1991.
pub fn wasserstein(cost: &DMatrix<f64>, a: Option<&[f64]>, b: Option<&[f64]>) -> Result<TransportPlan> {
    let (mut supply, mut demand) = checked_problem(cost, a, b)?;
    let (n, m) = cost.shape();
    let mut unit = 1.0;
    if a.is_none() && b.is_none() {
        // Whole numbers: the flows are then exact.
        supply.fill(m as f64);
        demand.fill(n as f64);
        unit = 1.0 / (n as f64 * m as f64);
    }
    // Points without mass would break strong feasibility; they take no part.
    let sources: Vec<usize> = (0..n).filter(|&i| supply[i] > 0.0).collect();
    let sinks: Vec<usize> = (0..m).filter(|&j| demand[j] > 0.0).collect();
    let mut tree = Tree::new(cost, &sources, &sinks, &supply, &demand);
    in_range("sum of costs", [2.0 * tree.artificial])?;
    // Every pivot of a strongly feasible tree makes progress; the bound only guards against rounding.
    let limit = 1000 * (n + m) * ((n + m) as f64).log2().ceil() as usize + 1000;
    let mut pivots = 0;
    while let Some((source, sink)) = tree.entering() {
        if pivots == limit {
            return Err(Error::NoConvergence {
                what: "network simplex",
                iterations: pivots,
                residual: -tree.reduced_cost(source, sink),
                tolerance: tree.tolerance,
            });
        }
        tree.pivot(source, sink);
        pivots += 1;
    }
    Ok(tree.into_plan(unit, pivots))
}

const NONE: usize = usize::MAX;

/// A strongly feasible spanning tree: sources 0.., then sinks, then an artificial root.
struct Tree<'a> {
    sources: &'a [usize],
    sinks: &'a [usize],
    /// Row-major costs of the points with mass.
    cost: Vec<f64>,
    shape: (usize, usize),
    /// More than any path of true arcs costs.
    artificial: f64,
    /// Reduced costs above −tolerance are rounding errors.
    tolerance: f64,
    parent: Vec<usize>,
    first_child: Vec<usize>,
    next_sibling: Vec<usize>,
    previous_sibling: Vec<usize>,
    depth: Vec<u32>,
    /// Flow on the arc between a node and its parent.
    flow: Vec<f64>,
    /// π with reduced cost c_ij + π_i − π_j, zero on tree arcs.
    potential: Vec<f64>,
    /// Where the block search goes on.
    next_arc: usize,
    block: usize,
    stack: Vec<usize>,
}

impl<'a> Tree<'a> {
    /// All flow through the root: sources send up, sinks receive from it at a cost that no real path reaches.
    fn new(cost: &DMatrix<f64>, sources: &'a [usize], sinks: &'a [usize], supply: &[f64], demand: &[f64]) -> Self {
        let (n, m) = (sources.len(), sinks.len());
        let dense: Vec<f64> = sources
            .iter()
            .flat_map(|&i| sinks.iter().map(move |&j| cost[(i, j)]))
            .collect();
        let largest = dense.iter().fold(0.0_f64, |max, c| max.max(c.abs()));
        let artificial = (largest + f64::MIN_POSITIVE) * (n + m + 1) as f64;
        let root = n + m;
        let mut tree = Self {
            sources,
            sinks,
            cost: dense,
            shape: cost.shape(),
            artificial,
            tolerance: 4.0 * f64::EPSILON * artificial,
            parent: vec![root; root + 1],
            first_child: vec![NONE; root + 1],
            next_sibling: vec![NONE; root + 1],
            previous_sibling: vec![NONE; root + 1],
            depth: vec![1; root + 1],
            flow: sources
                .iter()
                .map(|&i| supply[i])
                .chain(sinks.iter().map(|&j| demand[j]))
                .collect(),
            potential: vec![0.0; root + 1],
            next_arc: 0,
            block: ((n * m) as f64).sqrt().ceil().max(10.0) as usize,
            stack: Vec::new(),
        };
        tree.parent[root] = NONE;
        tree.depth[root] = 0;
        for node in 0..root {
            tree.attach(node, root);
        }
        tree.potential[n..root].fill(artificial);
        tree
    }

    fn reduced_cost(&self, source: usize, sink: usize) -> f64 {
        let (n, m) = (self.sources.len(), self.sinks.len());
        self.cost[source * m + sink] + self.potential[source] - self.potential[n + sink]
    }

    /// The arc of most negative reduced cost in the first block that has one.
    fn entering(&mut self) -> Option<(usize, usize)> {
        let (n, m) = (self.sources.len(), self.sinks.len());
        let arcs = n * m;
        let mut best = (-self.tolerance, NONE);
        let (mut seen, mut in_block) = (0, 0);
        let mut arc = self.next_arc;
        while seen < arcs {
            // As far as the row, the block and the circle go.
            let (source, sink) = (arc / m, arc % m);
            let run = (m - sink).min(self.block - in_block).min(arcs - seen);
            let from = self.potential[source];
            let costs = &self.cost[arc..arc + run];
            for (k, (c, to)) in costs.iter().zip(&self.potential[n + sink..n + sink + run]).enumerate() {
                let reduced = c + from - to;
                if reduced < best.0 {
                    best = (reduced, arc + k);
                }
            }
            seen += run;
            in_block += run;
            arc += run;
            if arc == arcs {
                arc = 0;
            }
            if in_block == self.block {
                in_block = 0;
                if best.1 != NONE {
                    break;
                }
            }
        }
        self.next_arc = arc;
        (best.1 != NONE).then(|| (best.1 / m, best.1 % m))
    }

    /// Whether flow on the arc to the parent goes up: out of a source, or out of the root's side for a sink.
    fn goes_up(&self, node: usize) -> bool {
        node < self.sources.len()
    }

    /// Brings the arc in, sends flow round its cycle and takes the last blocking arc out.
    fn pivot(&mut self, source: usize, sink: usize) {
        let sink_node = self.sources.len() + sink;
        let reduced = self.reduced_cost(source, sink);
        // The apex of the cycle and the largest step; ties go to the last arc in the direction of the flow.
        let (mut u, mut v) = (source, sink_node);
        let mut step = f64::INFINITY;
        let (mut out, mut out_on_source_side) = (NONE, true);
        let (mut on_source_side, mut on_sink_side) = (Vec::new(), Vec::new());
        std::mem::swap(&mut self.stack, &mut on_source_side);
        on_source_side.clear();
        while u != v {
            if self.depth[u] >= self.depth[v] {
                on_source_side.push(u);
                u = self.parent[u];
            } else {
                on_sink_side.push(v);
                v = self.parent[v];
            }
        }
        for &node in &on_source_side {
            if self.goes_up(node) && self.flow[node] < step {
                (step, out, out_on_source_side) = (self.flow[node], node, true);
            }
        }
        for &node in &on_sink_side {
            if !self.goes_up(node) && self.flow[node] <= step {
                (step, out, out_on_source_side) = (self.flow[node], node, false);
            }
        }
        for &node in &on_source_side {
            self.flow[node] += if self.goes_up(node) { -step } else { step };
        }
        for &node in &on_sink_side {
            self.flow[node] += if self.goes_up(node) { step } else { -step };
        }
        self.stack = on_source_side;
        let (inside, outside, shift) = if out_on_source_side {
            (source, sink_node, -reduced)
        } else {
            (sink_node, source, reduced)
        };
        self.rehang(inside, outside, out, step);
        self.update_subtree(inside, shift);
    }

    /// Cuts the subtree of `out` and hangs it by `inside` under `outside`; the new arc carries `flow`.
    fn rehang(&mut self, inside: usize, outside: usize, out: usize, flow: f64) {
        let (mut node, mut parent, mut carried) = (inside, outside, flow);
        loop {
            let old_parent = self.parent[node];
            let old_flow = self.flow[node];
            self.detach(node);
            self.attach(node, parent);
            self.flow[node] = carried;
            if node == out {
                return;
            }
            (parent, node, carried) = (node, old_parent, old_flow);
        }
    }

    /// Shifts potentials and renews depths below `top`.
    fn update_subtree(&mut self, top: usize, shift: f64) {
        let mut stack = std::mem::take(&mut self.stack);
        stack.clear();
        stack.push(top);
        while let Some(node) = stack.pop() {
            self.depth[node] = self.depth[self.parent[node]] + 1;
            self.potential[node] += shift;
            let mut child = self.first_child[node];
            while child != NONE {
                stack.push(child);
                child = self.next_sibling[child];
            }
        }
        self.stack = stack;
    }

    fn attach(&mut self, node: usize, parent: usize) {
        let first = self.first_child[parent];
        self.parent[node] = parent;
        self.next_sibling[node] = first;
        self.previous_sibling[node] = NONE;
        if first != NONE {
            self.previous_sibling[first] = node;
        }
        self.first_child[parent] = node;
    }

    fn detach(&mut self, node: usize) {
        let (previous, next) = (self.previous_sibling[node], self.next_sibling[node]);
        if previous == NONE {
            self.first_child[self.parent[node]] = next;
        } else {
            self.next_sibling[previous] = next;
        }
        if next != NONE {
            self.previous_sibling[next] = previous;
        }
    }

    /// Flows of the real arcs and the dual potentials, in the numbering of the caller.
    fn into_plan(self, unit: f64, pivots: usize) -> TransportPlan {
        let (n, m) = (self.sources.len(), self.sinks.len());
        let root = n + m;
        let mut entries = Vec::with_capacity(root);
        let mut cost = 0.0;
        for node in (0..root).filter(|&node| self.parent[node] != root && self.flow[node] > 0.0) {
            let (source, sink) = if node < n {
                (node, self.parent[node] - n)
            } else {
                (self.parent[node], node - n)
            };
            let mass = unit * self.flow[node];
            cost += mass * self.cost[source * m + sink];
            entries.push(PlanEntry {
                from: self.sources[source],
                to: self.sinks[sink],
                mass,
            });
        }
        entries.sort_by_key(|entry| (entry.from, entry.to));
        // Points without mass bind nothing.
        let (mut f, mut g) = (
            vec![f64::NEG_INFINITY; self.shape.0],
            vec![f64::NEG_INFINITY; self.shape.1],
        );
        let centre = self.potential[0];
        for (k, &i) in self.sources.iter().enumerate() {
            f[i] = centre - self.potential[k];
        }
        for (k, &j) in self.sinks.iter().enumerate() {
            g[j] = self.potential[n + k] - centre;
        }
        TransportPlan {
            entries,
            cost,
            potentials: (f, g),
            pivots,
        }
    }
}
