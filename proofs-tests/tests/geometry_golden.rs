//! Every golden value of the O(n)-invariant metrics, computed to 110 digits by an independent implementation.
//!
//! An operation this file does not know fails the test; those of other crates are named in [`ELSEWHERE`].

use hadamard_geometry::eigen::symmetric_eigen;
use hadamard_geometry::kernel::ExtendedKernel;
use hadamard_geometry::matrix_functions::{self, ScalarFunction};
use hadamard_geometry::mean::{self, MeanOptions};
use hadamard_geometry::metric::TraceTerm;
use hadamard_geometry::metrics::{AffineInvariant, Cholesky, Euclidean, LogCholesky, LogEuclidean};
use hadamard_geometry::vech::vech;
use hadamard_geometry::{Metric, Spd, SpdBatch};
use nalgebra::DMatrix;
use proofs_tests::spd::{Case, Golden, invariant_metric};
use serde_json::Value;

/// Operations tested with the crate that has them: covariance estimators are in `hadamard-meeg`.
const ELSEWHERE: [&str; 1] = ["cov"];

/// The largest relative error at condition 1: rounding of the golden values and some tens of operations.
const PLAIN: f64 = 1e-12;

struct Context<'a> {
    golden: &'a Golden,
    case: &'a Case,
}

impl Context<'_> {
    fn raw(&self, index: usize) -> DMatrix<f64> {
        self.golden
            .matrix(self.case.inputs[index].as_str().expect("name of a matrix"))
    }

    fn spd(&self, index: usize) -> Spd {
        Spd::try_new(self.raw(index)).expect("golden points are SPD")
    }

    fn number(&self, index: usize) -> f64 {
        self.case.inputs[index].as_f64().expect("number")
    }

    fn parameter(&self, name: &str) -> Option<f64> {
        self.case.params.get(name).map(|v| v.as_f64().expect("number"))
    }

    fn metric(&self) -> Box<dyn Metric> {
        invariant_metric(&self.case.metric).unwrap_or_else(|| panic!("unknown metric {}", self.case.metric))
    }

    fn trace(&self) -> Option<TraceTerm> {
        let alpha = self.parameter("alpha")?;
        Some(TraceTerm::try_new(alpha, self.parameter("beta").unwrap_or(0.0)).expect("valid trace term"))
    }

    fn function(&self, name: &str) -> ScalarFunction {
        match name {
            "log" => ScalarFunction::Log,
            "exp" => ScalarFunction::Exp,
            "sqrt" => ScalarFunction::Pow(0.5),
            "inv" => ScalarFunction::Pow(-1.0),
            "invsqrt" => ScalarFunction::Pow(-0.5),
            _ => {
                let power = name.strip_prefix("pow").and_then(|p| p.parse().ok());
                ScalarFunction::Pow(power.unwrap_or_else(|| panic!("unknown function {name}")))
            }
        }
    }

    /// Largest condition number of the points.
    fn condition(&self) -> f64 {
        let names = self.case.inputs.iter().filter_map(Value::as_str);
        names
            .filter_map(|name| Spd::try_new(self.golden.matrix(name)).ok())
            .map(|point| point.condition_number())
            .fold(1.0, f64::max)
    }
}

/// Numbers of a result, row after row.
fn flatten(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(flatten).collect(),
        Value::String(text) => vec![text.parse().expect("number")],
        Value::Null => vec![f64::NAN],
        other => vec![other.as_f64().expect("number")],
    }
}

fn rows(m: &DMatrix<f64>) -> Vec<f64> {
    m.transpose().as_slice().to_vec()
}

/// The value of a case, or `None` for an operation of another crate.
fn value(context: &Context<'_>) -> Option<Result<Vec<f64>, hadamard_geometry::Error>> {
    let (case, op) = (context.case, context.case.op.as_str());
    if ELSEWHERE.contains(&op) {
        return None;
    }
    if let Some(name) = op.strip_prefix("matfun_") {
        let eigen = symmetric_eigen(&context.raw(0));
        return Some(Ok(rows(&matrix_functions::matrix_function(
            context.function(name),
            &eigen,
        ))));
    }
    if let Some(name) = op.strip_prefix("dmatfun_") {
        let eigen = symmetric_eigen(&context.raw(0));
        let value = matrix_functions::frechet(context.function(name), &eigen, &context.raw(1));
        return Some(value.map(|m| rows(&m)));
    }
    if let Some(name) = op.strip_prefix("d2matfun_") {
        let eigen = symmetric_eigen(&context.raw(0));
        let value = matrix_functions::frechet2(context.function(name), &eigen, &context.raw(1), &context.raw(2));
        return Some(value.map(|m| rows(&m)));
    }
    Some(match op {
        "kernel_phi" | "kernel_phi_dd1" => {
            let metric = context.metric();
            let kernel = metric.extended_kernel().expect("invariant").kernel();
            Ok(vec![match op {
                "kernel_phi" => kernel.phi(context.number(0), context.number(1)),
                _ => kernel.phi_difference(context.number(0), context.number(1), context.number(2)),
            }])
        }
        "dd1" => Ok(vec![
            context
                .function(&case.metric)
                .divided1(context.number(0), context.number(1)),
        ]),
        "dd2" => {
            let f = context.function(&case.metric);
            Ok(vec![f.divided2(
                context.number(0),
                context.number(1),
                context.number(2),
            )])
        }
        "lyapunov" => matrix_functions::lyapunov(&context.spd(0), &context.raw(1)).map(|m| rows(&m)),
        "vech" => Ok(vech(&context.raw(0)).as_slice().to_vec()),
        "kullback" | "jeffreys" | "jbld" | "harmonic_dist" | "von_neumann" | "thompson" | "hilbert"
        | "cholesky_dist" | "log_cholesky_dist" => divergence(op, &context.spd(0), &context.spd(1)).map(|d| vec![d]),
        "mean" | "median" => average(context).map(|m| rows(m.matrix())),
        "hess_half_dist2" => {
            AffineInvariant::hessian_half_squared_distance(&context.spd(0), &context.spd(1), &context.raw(2))
                .map(|m| rows(&m))
        }
        "jacobi_field" => {
            AffineInvariant::jacobi_field(&context.spd(0), &context.raw(1), &context.raw(2), &context.raw(3))
                .map(|m| rows(&m))
        }
        _ => metric_operation(context),
    })
}

fn divergence(op: &str, a: &Spd, b: &Spd) -> Result<f64, hadamard_geometry::Error> {
    use hadamard_geometry::divergence as d;
    match op {
        "kullback" => d::kullback_leibler(a, b),
        "jeffreys" => d::jeffreys(a, b),
        "jbld" => d::jensen_bregman_log_det(a, b),
        "harmonic_dist" => d::inverse_euclidean(a, b),
        "von_neumann" => d::von_neumann(a, b),
        "thompson" => d::thompson(a, b),
        "hilbert" => d::hilbert(a, b),
        "cholesky_dist" => Cholesky::default().distance(a, b),
        "log_cholesky_dist" => LogCholesky::default().distance(a, b),
        other => panic!("unknown divergence {other}"),
    }
}

fn average(context: &Context<'_>) -> Result<Spd, hadamard_geometry::Error> {
    let matrices: Vec<DMatrix<f64>> = (0..context.case.inputs.len()).map(|i| context.raw(i)).collect();
    let batch = SpdBatch::try_from_matrices(&matrices)?;
    let weights = flatten(&context.case.params["weights"]);
    let weights = Some(weights.as_slice());
    // Linear convergence of medians and of the log-det mean.
    let options = MeanOptions {
        tolerance: 1e-14,
        max_iterations: 2000,
    };
    if context.case.op == "median" {
        let metric = context.metric();
        let special = metric.median(&batch, weights, &options)?.mean;
        let general = mean::median(&*metric, &batch, weights, &options)?.mean;
        assert!((special.matrix() - general.matrix()).norm() <= PLAIN * general.matrix().norm());
        return Ok(special);
    }
    Ok(match context.case.metric.as_str() {
        "harmonic" => mean::harmonic(&batch, weights)?,
        "kullback_sym" => mean::kullback_leibler(&batch, weights)?,
        "logdet" => mean::log_det(&batch, weights, &options)?.mean,
        "power_mean_0.5" => mean::power(&batch, weights, 0.5, &options)?.mean,
        "power_mean_-0.5" => mean::power(&batch, weights, -0.5, &options)?.mean,
        "alm" => mean::ando_li_mathias(&batch, &options)?.mean,
        "bmp" => mean::bini_meini_poloni(&batch, None, &options)?.mean,
        _ => context.metric().mean(&batch, weights, &options)?.mean,
    })
}

fn metric_operation(context: &Context<'_>) -> Result<Vec<f64>, hadamard_geometry::Error> {
    let op = context.case.op.as_str();
    let metric = context.metric();
    let at = context.spd(0);
    if let Some(trace) = context.trace() {
        return with_trace(
            context,
            ExtendedKernel::new(metric.extended_kernel().expect("invariant").kernel(), trace),
        );
    }
    let second = || context.spd(1);
    Ok(match op {
        "inner" => vec![metric.inner(&at, &context.raw(1), &context.raw(2))?],
        "norm" => vec![metric.norm(&at, &context.raw(1))?],
        "flat" => rows(&metric.flat(&at, &context.raw(1))?),
        "sharp" => rows(&metric.sharp(&at, &context.raw(1))?),
        "cometric" => vec![metric.cometric(&at, &context.raw(1), &context.raw(2))?],
        "whiten" => rows(&metric.whiten(&at, &context.raw(1))?),
        "vech_whiten" => vech(&metric.whiten(&at, &context.raw(1))?).as_slice().to_vec(),
        "grad_sigma_H" => {
            let engine = metric.extended_kernel().expect("invariant");
            rows(&engine.hamiltonian_gradient(&at, &context.raw(1))?)
        }
        "christoffel" => rows(&metric.christoffel(&at, &context.raw(1), &context.raw(2))?),
        "sectional" => vec![
            metric
                .sectional(&at, &context.raw(1), &context.raw(2))?
                .unwrap_or(f64::NAN),
        ],
        "dist" => vec![metric.distance(&at, &second())?],
        "log" => rows(&metric.log(&at, &second())?),
        "geodesic" => rows(
            metric
                .geodesic(&at, &second(), context.parameter("t").expect("t"))?
                .matrix(),
        ),
        "exp" => {
            let scale = context.parameter("tangent_scale").unwrap_or(1.0);
            rows(metric.exp(&at, &(context.raw(1) * scale))?.matrix())
        }
        "transport" | "transport_commuting" => rows(&metric.transport(&at, &second(), &context.raw(2))?),
        "transport_along_exp" => {
            let scale = context.parameter("tangent_scale").unwrap_or(1.0);
            let engine = metric.extended_kernel().expect("invariant");
            rows(
                &engine
                    .transport_along(&at, &(context.raw(1) * scale), &context.raw(2))?
                    .1,
            )
        }
        "exp_domain" => {
            let (lower, upper) = metric.exp_domain(&at, &context.raw(1))?;
            vec![lower, upper]
        }
        "injectivity_radius" => vec![metric.injectivity_radius(&at).expect("closed form")],
        other => panic!("operation {other} of the golden values is not tested"),
    })
}

/// Cases with a trace term; those with closed forms go through them too.
fn with_trace(context: &Context<'_>, engine: ExtendedKernel<'_>) -> Result<Vec<f64>, hadamard_geometry::Error> {
    let at = context.spd(0);
    let x = || context.raw(1);
    let closed: Option<Box<dyn Metric>> = match context.case.metric.as_str() {
        "euclidean" => Some(Box::new(Euclidean::new(engine.trace_term()))),
        "log_euclidean" => Some(Box::new(LogEuclidean::new(engine.trace_term()))),
        "affine_invariant" => Some(Box::new(AffineInvariant::new(engine.trace_term()))),
        _ => None,
    };
    let (general, special) = match context.case.op.as_str() {
        "inner" => {
            let closed = closed.map(|m| m.inner(&at, &x(), &context.raw(2)).map(|v| vec![v]));
            (vec![engine.inner(&at, &x(), &context.raw(2))?], closed)
        }
        "sharp" => (rows(&engine.sharp(&at, &x())?), None),
        "grad_sigma_H" => (rows(&engine.hamiltonian_gradient(&at, &x())?), None),
        "christoffel" => {
            let y = context.raw(2);
            let closed = closed.map(|m| m.christoffel(&at, &x(), &y).map(|v| rows(&v)));
            (rows(&engine.christoffel(&at, &x(), &y)?), closed)
        }
        "whiten" => (
            rows(&engine.whiten(&at, &x())?),
            closed.map(|m| m.whiten(&at, &x()).map(|v| rows(&v))),
        ),
        "sectional" => {
            let y = context.raw(2);
            let closed = closed.map(|m| m.sectional(&at, &x(), &y).map(|v| vec![v.unwrap_or(f64::NAN)]));
            (vec![engine.sectional(&at, &x(), &y)?.unwrap_or(f64::NAN)], closed)
        }
        "dist" => {
            let to = context.spd(1);
            let d = closed.expect("closed form").distance(&at, &to)?;
            (vec![d], None)
        }
        other => panic!("operation {other} with a trace term is not tested"),
    };
    if let Some(special) = special {
        let special = special?;
        let scale = norm(&general).max(f64::MIN_POSITIVE);
        let gap: Vec<f64> = general.iter().zip(&special).map(|(g, s)| g - s).collect();
        assert!(
            norm(&gap) <= PLAIN * scale.max(1e-3),
            "{:?}: {general:?} {special:?}",
            context.case
        );
    }
    Ok(general)
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>().sqrt()
}

#[test]
fn every_golden_value() {
    let golden = Golden::read();
    let mut failures = Vec::new();
    let mut elsewhere = 0;
    for (index, case) in golden.cases.iter().enumerate() {
        let context = Context { golden: &golden, case };
        let Some(found) = value(&context) else {
            elsewhere += 1;
            continue;
        };
        let expected = flatten(&case.result);
        let label = format!(
            "{index}: {} {} {:?} {:?}",
            case.op, case.metric, case.inputs, case.params
        );
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                failures.push(format!("{label}: {error}"));
                continue;
            }
        };
        if found.len() != expected.len() {
            failures.push(format!("{label}: {} numbers, expected {}", found.len(), expected.len()));
            continue;
        }
        let gap: Vec<f64> = found
            .iter()
            .zip(&expected)
            .map(|(f, e)| if f == e { 0.0 } else { f - e })
            .collect();
        let error = norm(&gap) / norm(&expected);
        // An exact 0 (flat metrics): compare with rounding of terms of order one.
        let error = if norm(&expected) == 0.0 { norm(&gap) } else { error };
        let order = golden
            .matrices
            .get(case.inputs[0].as_str().unwrap_or(""))
            .map_or(1, Vec::len) as f64;
        let tolerance = PLAIN.max(50.0 * order * f64::EPSILON * context.condition());
        if error.is_nan() || error > tolerance {
            failures.push(format!("{label}: error {error:e}, tolerance {tolerance:e}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(golden.cases.len() - elsewhere, 962);
}
